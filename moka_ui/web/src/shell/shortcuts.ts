/** Keys that do something, unless people are writing. */

import { useEffect, useRef } from "react";

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

export const LISTED: [string, string][] = [
  ["/", "Search: the log when it is open, else all jobs"],
  ["j  k", "Next or previous job of the list"],
  ["Enter", "Open the job; in the log, next match (with Shift the one before)"],
  ["g j", "All jobs"],
  ["g c", "Clusters"],
  ["g q", "Queues"],
  ["Esc", "Leave the search"],
  ["?", "This list"],
];

const SEQUENCE_MS = 1200;
const stack: { current: Shortcuts }[] = [];
let first: { key: string; at: number } | null = null;

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  const before = first !== null && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ` : "";
  first = event.key === "g" ? { key: event.key, at: event.timeStamp } : null;
  const name = before + event.key;
  const found = stack.findLast((each) => name in each.current)?.current[name];
  if (found) {
    event.preventDefault();
    found(event);
  }
}

/** Listen for keys; a name of two keys, such as `g j`, is one after the other. The latest to mount wins. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const entry = useRef(shortcuts);
  entry.current = shortcuts;
  useEffect(() => {
    if (stack.push(entry) === 1) window.addEventListener("keydown", pressed);
    return () => {
      stack.splice(stack.indexOf(entry), 1);
      if (stack.length === 0) window.removeEventListener("keydown", pressed);
    };
  }, []);
}
