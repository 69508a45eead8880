/** What stands where there is nothing to show: nothing there, something wrong, or old data. */

import { Button } from "@mantine/core";
import type { ReactNode } from "react";

import { Problem } from "../api/ask";
import { clock } from "../text/time";
import { Command } from "./Copy";
import css from "./Notice.module.css";

export function Empty({ title, children, command }: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className={css.notice} data-testid="empty">
      <h2>{title}</h2>
      {children && <div className="quiet">{children}</div>}
      {command && <Command text={command} />}
    </div>
  );
}

export function Failure({ error, retry, title }: { error: Error; retry?: () => void; title?: string }) {
  const passes = !(error instanceof Problem) || error.passes;
  return (
    <div className={css.notice} role="alert" data-testid="failure">
      <h2>{title ?? (passes ? "This cannot be read right now" : "Not found")}</h2>
      <p className="quiet">{error.message}</p>
      {passes && <Command text="moka doctor" />}
      {retry && (
        <Button variant="default" size="sm" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Old data are better than none, as long as they say how old. */
export function Stale({ error, since }: { error: Error | null; since: number }) {
  if (error === null) return null;
  return (
    <div className="banner" role="status" data-testid="stale">
      <strong>Not up to date.</strong>
      <span>
        {error.message} This is what was read at {clock(new Date(since).toISOString())}; asking again by itself.
      </span>
    </div>
  );
}
