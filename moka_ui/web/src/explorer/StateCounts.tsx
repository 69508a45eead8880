/** How many jobs are in each state; every number is a link to exactly these. */

import { Link } from "@tanstack/react-router";

import type { Counts } from "../generated";
import { StateMark } from "../kit";
import { FINAL_STATES, LIVE_STATES } from "../text/words";
import type { Filters } from "./filters";
import css from "./StateCounts.module.css";

/** The filters with one state more, or one less. */
export function toggled(filters: Filters, state: string): Filters {
  const old = filters.state ?? [];
  const states = old.includes(state) ? old.filter((each) => each !== state) : [...old, state];
  const onlyLive = states.every((each) => (LIVE_STATES as readonly string[]).includes(each));
  const untimed = filters.created_after === undefined && filters.created_before === undefined;
  return {
    ...filters,
    state: states.length > 0 ? states : undefined,
    // ended jobs are counted over a day, so the link lists a day
    since: onlyLive ? (filters.since === "24h" ? undefined : filters.since) : (filters.since ?? (untimed ? "24h" : undefined)),
  };
}

export function StateCounts({ counts, filters }: { counts: Counts | undefined; filters: Filters }) {
  return (
    <nav className={css.counts} aria-label="Jobs by state" aria-live="off">
      <Group title="under way" states={LIVE_STATES} counts={counts?.live} most={counts?.counted_to} filters={filters} />
      <Group title="last 24 hours" states={FINAL_STATES} counts={counts?.accepted} most={counts?.counted_to} filters={filters} />
    </nav>
  );
}

type Shown = {
  title: string;
  states: readonly string[];
  counts: Record<string, number> | undefined;
  most: number | undefined;
  filters: Filters;
};

function Group({ title, states, counts, most, filters }: Shown) {
  return (
    <div className={css.group}>
      <span className={css.title}>{title}</span>
      <ul>
        {states.map((state) => {
          const count = counts?.[state];
          const active = filters.state?.includes(state) ?? false;
          return (
            <li key={state}>
              <Link to="/" search={toggled(filters, state)} className={css.count} data-active={active} aria-pressed={active} role="button">
                <StateMark state={state} />
                <b>{count === undefined ? "–" : count === most ? `${count.toLocaleString("en")}+` : count.toLocaleString("en")}</b>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
