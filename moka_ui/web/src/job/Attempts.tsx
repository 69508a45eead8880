/** Every attempt: where it was placed and why there, and how it ended. */

import { Link } from "@tanstack/react-router";

import type { Attempt, JobDetail } from "../generated";
import { CopyButton, Empty, Lasted, StateMark } from "../kit";
import { absolute } from "../text/time";
import { visible } from "../text/visible";
import { faultWords, reasonWords } from "../text/words";
import css from "./Attempts.module.css";
import { Placement } from "./Placement";

export function Attempts({ job, attempts }: { job: JobDetail; attempts: Attempt[] }) {
  if (attempts.length === 0)
    return (
      <div className="panel">
        <Empty title="No attempt yet" command={`moka explain ${job.id}`}>
          The job waits to be placed on a cluster.
        </Empty>
      </div>
    );
  return (
    <div className={css.list}>
      {attempts.toReversed().map((attempt) => (
        <section key={attempt.number} className={`panel ${css.attempt}`} aria-label={`Attempt ${attempt.number}`}>
          <header>
            <h2>Attempt {attempt.number}</h2>
            <StateMark state={stateOf(attempt, job)} />
            <span className="quiet">
              on {visible(attempt.cluster)}, placed {absolute(attempt.placed_at)}
              {attempt.started_at && (
                <>
                  , ran <Lasted from={attempt.started_at} to={attempt.ended_at} />
                </>
              )}
            </span>
            <span className={css.links}>
              <Open tab="log" number={attempt.number} text="Log" />
              {attempt.has_manifest && <Open tab="manifest" number={attempt.number} text="Manifest" />}
            </span>
          </header>
          {attempt.reason && (
            <p>
              <strong>{visible(reasonWords(attempt.reason).title)}.</strong> The fault is {faultWords(attempt.fault)}.{" "}
              {visible(attempt.message ?? "")}
            </p>
          )}
          <p className={css.facts}>
            <span>
              application <code>{attempt.application}</code>
              <CopyButton text={attempt.application} label="Copy the application's name" />
            </span>
            <span>
              operator says <code>{visible(attempt.application_state || "nothing yet")}</code>
            </span>
            {attempt.exit_code !== null && (
              <span>
                exit code <code>{attempt.exit_code}</code>
              </span>
            )}
            <span>
              executors: {attempt.executors_running} running, {attempt.executors_completed} completed, {attempt.executors_failed} failed
            </span>
          </p>
          <Placement placement={attempt.placement} chosen={attempt.cluster} />
        </section>
      ))}
    </div>
  );
}

function Open({ tab, number, text }: { tab: "log" | "manifest"; number: number; text: string }) {
  return (
    <Link from="/jobs/$jobId" to="/jobs/$jobId" search={{ tab, attempt: number }} resetScroll={false}>
      {text}
    </Link>
  );
}

/** An attempt that is over has the job's state only when it is the last one. */
function stateOf(attempt: Attempt, job: JobDetail): string {
  if (attempt.number === job.attempt && (attempt.ended_at === null || job.ended_at !== null)) return job.state;
  return attempt.reason === "cancelled" ? "cancelled" : "failed";
}
