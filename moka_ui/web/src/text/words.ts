/** States, reasons and faults in words. An unknown one of a newer Archer is shown as it comes. */

export const LIVE_STATES = ["queued", "dispatching", "submitted", "running", "cancelling"] as const;
export const FINAL_STATES = ["succeeded", "failed", "cancelled"] as const;
export const STATES: readonly string[] = [...LIVE_STATES, ...FINAL_STATES];

export function isFinal(state: string): boolean {
  return (FINAL_STATES as readonly string[]).includes(state);
}

type Reason = { title: string; advice: string };

const REASONS: Record<string, Reason> = {
  driver_oom: { title: "The driver ran out of memory", advice: "Raise driver.memory, or collect less to the driver." },
  executor_oom: { title: "Executors ran out of memory", advice: "Raise executor.memory or memory_overhead, or use more partitions." },
  user_code: { title: "The job's own code raised an error", advice: "The first lines of the error are below; the driver log has all of them." },
  data_missing: { title: "An input does not exist", advice: "Check the path, and whether the job that writes it has run." },
  access_denied: { title: "Access was denied", advice: "The job's service account may not read or write this place." },
  file_not_found: { title: "The application file was not found", advice: "Check main_application_file, and that it was uploaded." },
  class_not_found: { title: "A class was not found", advice: "Check main_class and the jars in deps." },
  dependency_not_found: { title: "A dependency could not be fetched", advice: "Check deps: packages, jars and py_files." },
  image: { title: "The image could not be pulled", advice: "The platform team keeps the images: tell them the name below." },
  quota: { title: "The queue's quota does not allow it", advice: "Ask for less, or use a queue with a larger quota." },
  gang_timeout: { title: "Not all executors could be placed in time", advice: "The cluster is full: try again later, or ask for fewer executors." },
  preempted: { title: "A job of a higher tier took the place", advice: "It can be submitted again; a higher tier is preempted less." },
  node_lost: { title: "The node went away", advice: "Nothing is wrong with the job: submit it again, or allow a retry." },
  shuffle_lost: { title: "Shuffle data was lost", advice: "Nothing is wrong with the job: submit it again, or allow a retry." },
  executor_churn: { title: "Executors were lost again and again", advice: "Look at the executors' ends in the driver log." },
  driver_killed: { title: "The driver was killed", advice: "The evidence below says by whom, where it is known." },
  submit_transient: { title: "The cluster did not take the job", advice: "Nothing is wrong with the job: submit it again." },
  submit_invalid: { title: "The cluster refused the job", advice: "The message below names the field." },
  timeout: { title: "The job ran longer than its timeout", advice: "Raise timeout_seconds, or make it faster." },
  cancelled: { title: "The job was cancelled", advice: "" },
  lost: { title: "The job was lost", advice: "Its application vanished without an end. Submit it again." },
  application_deleted: { title: "The application was deleted in the cluster", advice: "Someone or something removed it. Submit it again." },
  name_conflict: { title: "Another object had the job's name", advice: "The platform team has to look at the cluster." },
  poison: { title: "The job broke its dispatcher again and again", advice: "It is held back. The platform team has to look at it." },
  moved: { title: "It was never created there", advice: "The cluster takes no jobs any more, so the job went on elsewhere, as its next attempt." },
  unknown: { title: "The job failed, and nothing says why", advice: "The driver log may show more." },
};

/** A reason as a sentence, and what to try. */
export function reasonWords(reason: string | null): Reason {
  if (reason === null) return REASONS["unknown"]!;
  return REASONS[reason] ?? { title: plain(reason), advice: "" };
}

const FAULTS: Record<string, string> = {
  user: "in the job itself",
  platform: "in the platform, not in the job",
  policy: "a rule of the platform",
};

/** Whose doing a failure is, in words. */
export function faultWords(fault: string | null): string {
  return fault === null ? "not known" : (FAULTS[fault] ?? plain(fault));
}

/** An identifier as words: `attempt_failed` reads `Attempt failed`. */
export function plain(word: string): string {
  const spaced = word.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Enough of a job's id to tell it from its neighbours; the start is only the time. */
export function shortId(id: string): string {
  return `j…${id.slice(-8)}`;
}

const LAYERS: Record<string, string> = {
  default: "Platform default",
  cluster: "Cluster",
  derived: "Derived",
  version: "Spark version",
  queue: "Queue",
  tenant: "Tenant",
  request: "Request",
  platform: "Platform",
};

/** A layer of configuration in words. */
export function layerName(source: string): string {
  return LAYERS[source] ?? source;
}
