/** Calls to Moka UI's own API: an answer, or a Problem that says what to tell people. */

import type { Problem as ProblemBody } from "../generated";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }

  /** Whether asking again may help without anybody doing anything. */
  get passes(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

type Answer<T> = { data?: T; error?: unknown; response?: Response };

/** Wait for a call of the generated client; throw what it answers against it. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response?.ok && data !== undefined) return data;
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  if (response === undefined) throw new Problem(0, "unreachable", "Moka UI does not answer.");
  const body = error as Partial<ProblemBody> | undefined;
  const code = body?.type?.split("#")[1] ?? "unknown";
  throw new Problem(response.status, code, body?.detail ?? `Moka UI answered ${response.status}.`);
}
