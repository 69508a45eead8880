/** Times that grow old on the page; one clock ticks for all of them. */

import { useSyncExternalStore } from "react";

import { absolute, ago, between, span } from "../text/time";

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, to the second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** How long ago; the whole time and its zone when pointed at. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={absolute(at)}>
      {ago(at, useNow())}
    </time>
  );
}

/** How long something has taken, or took. */
export function Lasted({ from, to }: { from: string | null; to: string | null }) {
  const length = between(from, to, useNow());
  return length === null ? <span className="quiet">–</span> : <span>{span(length)}</span>;
}
