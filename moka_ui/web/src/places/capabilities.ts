/** What a cluster can run, as one line; unknown facts are shown as they come. */

const IN_COLUMNS_OF_THEIR_OWN = ["queues", "max_live_jobs"];

export function capabilities(facts: Record<string, unknown>): string {
  return Object.entries(facts)
    .filter(([name]) => !IN_COLUMNS_OF_THEIR_OWN.includes(name))
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${inWords(value)}`)
    .join(" · ");
}

/** The queues whose jobs it takes; one that names none takes all. */
export function queuesOf(facts: Record<string, unknown>): string {
  const queues = facts["queues"];
  return Array.isArray(queues) && queues.length > 0 ? queues.map(String).join(", ") : "all";
}

/** How many live jobs it takes at most; null when there is no limit. */
export function mostLiveJobs(facts: Record<string, unknown>): number | null {
  const most = facts["max_live_jobs"];
  return typeof most === "number" && most > 0 ? most : null;
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
