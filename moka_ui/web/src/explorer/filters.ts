/** Filters of the job list as they stand in the address, checked: a bad one is left out, never an error. */

import type { ListJobsData } from "../generated";
import { STATES } from "../text/words";

export const SINCE = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;
export type Since = keyof typeof SINCE;

export type Filters = {
  state?: string[];
  name?: string;
  queue?: string;
  cluster?: string;
  tenant?: string;
  owner?: string;
  label?: string[];
  since?: Since;
  created_after?: string;
  created_before?: string;
  sort?: "longest";
};

export type Raw = Record<string, string[]>;

const WORDS = ["name", "queue", "cluster", "tenant", "owner"] as const;
const TIMES = ["created_after", "created_before"] as const;
const LONGEST_WORD = 256;
const MOST_LABELS = 8;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Read what is valid, and name what is not. */
export function readFilters(raw: Raw): { filters: Filters; dropped: string[] } {
  const filters: Filters = {};
  const dropped = Object.keys(raw).filter((name) => !isKnown(name));
  const states = (raw["state"] ?? []).flatMap((part) => part.split(",")).filter(Boolean);
  const known = STATES.filter((state) => states.includes(state));
  if (states.some((state) => !STATES.includes(state))) dropped.push("state");
  if (known.length > 0) filters.state = known;
  for (const name of WORDS) {
    const value = raw[name]?.at(-1);
    if (!value) continue;
    if (value.length <= LONGEST_WORD && !CONTROL.test(value)) filters[name] = value;
    else dropped.push(name);
  }
  for (const name of TIMES) {
    const value = raw[name]?.at(-1);
    if (!value) continue;
    if (isTime(value)) filters[name] = new Date(value).toISOString();
    else dropped.push(name);
  }
  const labels = (raw["label"] ?? []).filter(Boolean);
  const good = labels.filter(isLabel).slice(0, MOST_LABELS);
  if (good.length < labels.length) dropped.push("label");
  if (good.length > 0) filters.label = good;
  const since = raw["since"]?.at(-1);
  if (since && since in SINCE) filters.since = since as Since;
  else if (since) dropped.push("since");
  const sort = raw["sort"]?.at(-1);
  if (sort === "longest") filters.sort = sort;
  else if (sort && sort !== "newest") dropped.push("sort");
  return { filters, dropped };
}

function isKnown(name: string): boolean {
  return ["state", "label", "since", "sort", ...WORDS, ...TIMES].includes(name);
}

function isTime(value: string): boolean {
  const at = Date.parse(value);
  return /^\d{4}-\d\d-\d\dT/.test(value) && at > 86_400_000 && at < 2.2e14;
}

export function isLabel(value: string): boolean {
  return /^[^:]+:./.test(value) && value.length <= 320 && !CONTROL.test(value);
}

/** Filters as parameters of the API. */
export function toQuery(filters: Filters, now: number): NonNullable<ListJobsData["query"]> {
  const { since, ...rest } = filters;
  const after = since ? new Date(now - SINCE[since]).toISOString() : filters.created_after;
  return { ...rest, created_after: after, state: filters.state as never };
}

/** How many filters narrow the list. */
export function countFilters(filters: Filters): number {
  const { sort: _, label, ...rest } = filters;
  return Object.values(rest).filter((value) => value !== undefined).length + (label?.length ?? 0);
}

/** Search parameters of an address, each with all of its values. */
export function parseSearch(text: string): Raw {
  const raw: Raw = {};
  for (const [name, value] of new URLSearchParams(text)) (raw[name] ??= []).push(value);
  return raw;
}

/** The address of some search state: lists of states by commas, other lists repeated. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (name === "state" && Array.isArray(value)) parts.append(name, value.join(","));
    else if (Array.isArray(value)) for (const one of value) parts.append(name, String(one));
    else if (value !== undefined && value !== null) parts.append(name, String(value));
  }
  const text = parts.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `?${text}` : "";
}
