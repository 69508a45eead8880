/** The way of a job: when each step was reached, and waiting apart from running, each on a scale of its own. */

import type { Attempt, JobDetail } from "../generated";
import { useNow } from "../kit";
import { absolute, clock, span } from "../text/time";
import { isFinal } from "../text/words";
import { type Step, type Stretch, runs, steps, waits } from "./steps";
import css from "./Timeline.module.css";

export function Timeline({ job, attempts }: { job: JobDetail; attempts: Attempt[] }) {
  const now = useNow();
  const last = attempts.at(-1);
  const list = steps(job, last);
  const end = job.ended_at ? Date.parse(job.ended_at) : now;
  const ran = runs(attempts, now).map((run, index, all) =>
    index === all.length - 1 && isFinal(job.state) ? { ...run, kind: job.state } : run,
  );
  // after an earlier attempt the wait for this one starts at its end, and running shows the gap
  const waited = attempts.length > 1 ? waits(steps(job, attempts[0]), end) : waits(list, end);
  return (
    <section className={`panel ${css.panel}`} aria-label="Timeline">
      {attempts.length > 1 && <p className={css.which}>Steps of attempt {last?.number}</p>}
      <ol className={css.steps}>
        {list.map((step, index) => (
          <StepMark key={step.name} step={step} before={list.slice(0, index).findLast((each) => each.at)?.at ?? null} />
        ))}
      </ol>
      <div className={css.bars}>
        <Bar title={attempts.length > 1 ? "Waited at first" : "Waited"} stretches={waited} hatched />
        <Bar title="Ran" stretches={ran} />
      </div>
    </section>
  );
}

function StepMark({ step, before }: { step: Step; before: string | null }) {
  const later = step.at && before ? Date.parse(step.at) - Date.parse(before) : null;
  return (
    <li data-reached={step.reached} data-end={step.name.toLowerCase()}>
      <span className={css.name}>{step.name}</span>
      {step.at ? (
        <time dateTime={step.at} title={absolute(step.at)}>
          {clock(step.at)}
          {later !== null && <span className="quiet"> +{span(later)}</span>}
        </time>
      ) : (
        <span className="quiet">{step.reached === "never" ? "not seen" : "–"}</span>
      )}
    </li>
  );
}

function Bar({ title, stretches, hatched }: { title: string; stretches: Stretch[]; hatched?: boolean }) {
  const total = stretches.reduce((sum, each) => sum + Math.max(0, each.to - each.from), 0);
  return (
    <div className={css.row}>
      <span className={css.title}>
        {title} <b>{stretches.length > 0 ? span(total) : "not yet"}</b>
      </span>
      <div className={css.bar} data-hatched={hatched ?? false}>
        {stretches.map((each) => (
          <div
            key={each.label}
            className={css.stretch}
            data-kind={each.kind}
            style={{ flexGrow: Math.max(each.to - each.from, total * 0.02, 1) }}
            title={`${each.label}: ${span(each.to - each.from)}`}
          >
            <span>
              {each.label} {span(each.to - each.from)}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
