/** Which part of the job page is open, and of which attempt; both stand in the address. */

import type { Raw } from "../explorer/filters";

export const TABS = ["overview", "attempts", "events", "log", "manifest"] as const;
export type Tab = (typeof TABS)[number];
export type JobSearch = { tab?: Tab; attempt?: number };

const MOST_ATTEMPTS = 32767;

/** Read what is valid; the rest is as if it were not there. */
export function readTab(raw: Raw): JobSearch {
  const found: JobSearch = {};
  const tab = raw["tab"]?.at(-1);
  if (tab && tab !== "overview" && (TABS as readonly string[]).includes(tab)) found.tab = tab as Tab;
  const attempt = Number(raw["attempt"]?.at(-1));
  if (Number.isInteger(attempt) && attempt >= 1 && attempt <= MOST_ATTEMPTS) found.attempt = attempt;
  return found;
}
