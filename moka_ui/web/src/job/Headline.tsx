/** What people come for: how it ended, whose doing that is, and the lines that show it. */

import { Link } from "@tanstack/react-router";

import type { Attempt, JobDetail } from "../generated";
import { Lasted } from "../kit";
import { visible, visibleLine } from "../text/visible";
import { faultWords, isFinal, reasonWords } from "../text/words";
import css from "./Headline.module.css";

type Props = { job: JobDetail; last: Attempt | undefined; short: boolean };

export function Headline({ job, last, short }: Props) {
  if (job.state === "failed" && short) return <FailedInShort job={job} />;
  if (job.state === "failed") return <Failed job={job} last={last} />;
  const text = inWords(job, last);
  if (!text) return null;
  return (
    <>
      <p className={css.sentence}>{text}</p>
      {job.waiting && !isFinal(job.state) && <p data-testid="waiting">{visible(job.waiting)}</p>}
    </>
  );
}

function inWords(job: JobDetail, last: Attempt | undefined) {
  const where = job.cluster ? ` on ${visible(job.cluster)}` : "";
  switch (job.state) {
    case "queued":
      return job.attempt > 0
        ? `Attempt ${job.attempt} ended; waiting for the next one to be placed.`
        : `Waiting in ${visible(job.queue)} to be placed on a cluster.`;
    case "dispatching":
      return `Placed${where}; its application is being created.`;
    case "submitted":
      return last?.scheduled_at ? `Placed${where}; the driver is starting.` : `Created${where}; waiting for the driver to be scheduled.`;
    case "running":
      return (
        <>
          Running{where} for <Lasted from={job.started_at} to={null} />
          {last && last.executors_running > 0 && ` with ${last.executors_running} executors`}.
        </>
      );
    case "cancelling":
      return "Asked to stop; waiting until nothing of it is left.";
    case "cancelled":
      return "Cancelled. Nothing of it is left in a cluster.";
    case "succeeded":
      return (
        <>
          Finished{where} in <Lasted from={job.started_at} to={job.ended_at} />.
        </>
      );
    default:
      return null;
  }
}

/** On the other tabs one line is enough. */
function FailedInShort({ job }: { job: JobDetail }) {
  return (
    <p className={css.short} data-testid="headline">
      <strong>{visible(reasonWords(job.reason).title)}.</strong> The fault is {faultWords(job.fault)}.{" "}
      <Link from="/jobs/$jobId" to="/jobs/$jobId" search={{}} resetScroll={false}>
        Why
      </Link>
    </p>
  );
}

function Failed({ job, last }: { job: JobDetail; last: Attempt | undefined }) {
  const words = reasonWords(job.reason);
  const lines = evidence(last?.evidence);
  return (
    <section className={css.failed} aria-labelledby="why" data-testid="headline">
      <h2 id="why">{visible(words.title)}</h2>
      <p>
        The fault is <strong>{faultWords(job.fault)}</strong>.{" "}
        {last?.exit_code != null && (
          <>
            The driver's exit code was <code>{last.exit_code}</code>.{" "}
          </>
        )}
        {visible(last?.message ?? "")}
      </p>
      {lines.length > 0 && (
        <pre className={css.evidence} tabIndex={0} aria-label="Evidence">
          {lines.map(visibleLine).join("\n")}
        </pre>
      )}
      {words.advice && (
        <p>
          <strong>What to try: </strong>
          {words.advice}
        </p>
      )}
      <p className={css.more}>
        <Link from="/jobs/$jobId" to="/jobs/$jobId" search={{ tab: "log" }} resetScroll={false}>
          Open the driver log
        </Link>{" "}
        <span className="quiet">
          reason <code>{visible(job.reason ?? "unknown")}</code>
        </span>
      </p>
    </section>
  );
}

/** Lines of evidence, whatever shape they were stored in. */
function evidence(stored: unknown): string[] {
  if (!Array.isArray(stored)) return stored ? [JSON.stringify(stored)] : [];
  return stored.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
}
