/** A state as shape, word and colour: each alone is enough to tell it. */

import type { ReactNode } from "react";

import { visible } from "../text/visible";
import css from "./StateMark.module.css";

const SHAPES: Record<string, ReactNode> = {
  queued: <circle cx="7" cy="7" r="5" className={css.line} />,
  dispatching: (
    <>
      <circle cx="7" cy="7" r="5" className={css.line} />
      <path d="M7 7V2a5 5 0 0 1 5 5z" className={css.body} />
    </>
  ),
  submitted: (
    <>
      <circle cx="7" cy="7" r="5" className={css.line} />
      <path d="M7 2a5 5 0 0 1 0 10z" className={css.body} />
    </>
  ),
  running: (
    <>
      <circle cx="7" cy="7" r="5.500" className={css.pulse} />
      <circle cx="7" cy="7" r="4" className={css.body} />
    </>
  ),
  cancelling: <circle cx="7" cy="7" r="5" className={css.dotted} />,
  succeeded: <path d="m2.500 7.500 3 3 6-7" className={css.bold} />,
  failed: <path d="m3 3 8 8M11 3l-8 8" className={css.bold} />,
  cancelled: (
    <>
      <circle cx="7" cy="7" r="5" className={css.line} />
      <path d="m3.500 10.500 7-7" className={css.line} />
    </>
  ),
};

export function StateMark({ state, children }: { state: string; children?: ReactNode }) {
  return (
    <span className={css.mark} data-state={state}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden>
        {SHAPES[state] ?? <rect x="3" y="3" width="8" height="8" className={css.line} />}
      </svg>
      <span>{visible(state)}</span>
      {children}
    </span>
  );
}
