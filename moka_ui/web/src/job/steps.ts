/** The way of a job as steps, each with when it was reached. Pure. */

import type { Attempt, JobDetail } from "../generated";
import { isFinal } from "../text/words";

export type Step = { name: string; at: string | null; reached: "done" | "now" | "later" | "never" };

/** Steps of the latest attempt, from the job's acceptance to its end. */
export function steps(job: JobDetail, last: Attempt | undefined): Step[] {
  const ended = isFinal(job.state);
  const waiting = job.state === "queued"; // an attempt before it does not count any more
  const times: [string, string | null | undefined][] = [
    ["Accepted", job.created_at],
    ["Dispatched", waiting ? null : last?.placed_at],
    ["Submitted", waiting ? null : last?.submitted_at],
    ["Scheduled", waiting ? null : last?.scheduled_at],
    ["Running", waiting ? null : last?.started_at],
    [ended ? endWord(job.state) : "Ended", job.ended_at],
  ];
  const furthest = times.findLastIndex(([, at]) => at);
  return times.map(([name, at], index) => ({
    name,
    at: at ?? null,
    reached: index === furthest && !ended ? "now" : at ? "done" : index < furthest || ended ? "never" : "later",
  }));
}

function endWord(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

export type Stretch = { label: string; from: number; to: number; kind: string };

/** Stretches of waiting before the latest attempt ran, one after the other. */
export function waits(list: Step[], now: number): Stretch[] {
  const found: Stretch[] = [];
  const labels: Record<string, string> = {
    Accepted: "in the queue",
    Dispatched: "being created",
    Submitted: "for the scheduler",
    Scheduled: "driver starting",
  };
  const reached = list.filter((step) => step.at !== null);
  for (const [index, step] of reached.entries()) {
    const label = labels[step.name];
    if (!label) break;
    const next = reached[index + 1]?.at;
    found.push({ label, from: Date.parse(step.at!), to: next ? Date.parse(next) : now, kind: step.name });
  }
  return found;
}

/** Stretches of running, one for each attempt that ran. */
export function runs(attempts: Attempt[], now: number): Stretch[] {
  return attempts
    .filter((attempt) => attempt.started_at !== null)
    .map((attempt) => ({
      label: attempts.length > 1 ? `attempt ${attempt.number}` : "running",
      from: Date.parse(attempt.started_at!),
      to: attempt.ended_at ? Date.parse(attempt.ended_at) : now,
      kind: attempt.ended_at === null ? "running" : attempt.reason === null ? "succeeded" : attempt.reason === "cancelled" ? "cancelled" : "failed",
    }));
}
