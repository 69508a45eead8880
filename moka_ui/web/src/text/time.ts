/** Times and lengths of time, as people say them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in the largest unit that fits. */
export function ago(at: string, now: number): string {
  const past = Math.max(0, now - Date.parse(at));
  if (past < 5 * SECOND) return "just now";
  if (past < MINUTE) return `${Math.floor(past / SECOND)} s ago`;
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  if (past < 2 * DAY) return `${Math.floor(past / HOUR)} h ago`;
  return `${Math.floor(past / DAY)} d ago`;
}

/** A length of time: `0.4s`, `42s`, `4m 05s`, `3h 20m`, `2d 4h`; the same forms as the command line's. */
export function span(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  if (length < 10 * SECOND) return `${(length / SECOND).toFixed(1)}s`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)}s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)}m ${pad(Math.floor((length % MINUTE) / SECOND))}s`;
  if (length < DAY) return `${Math.floor(length / HOUR)}h ${pad(Math.floor((length % HOUR) / MINUTE))}m`;
  return `${Math.floor(length / DAY)}d ${Math.floor((length % DAY) / HOUR)}h`;
}

/** Date, time and zone, for the hover text and for facts. */
export function absolute(at: string): string {
  const date = new Date(at);
  const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
    .formatToParts(date)
    .find((part) => part.type === "timeZoneName")?.value;
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${clock(at)} ${zone ?? ""}`.trim();
}

/** Time of day with milliseconds left out. */
export function clock(at: string): string {
  const date = new Date(at);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Milliseconds between two times; up to now while there is no end. */
export function between(start: string | null, end: string | null, now: number): number | null {
  return start === null ? null : (end === null ? now : Date.parse(end)) - Date.parse(start);
}
