/** Where a log comes from: what there is in pages, then what comes by server-sent events.

Its place is a byte offset, so a lost connection repeats nothing and leaves nothing out.
*/

import { ask, Problem } from "../api/ask";
import { type LogChunk, readLog } from "../generated";
import { Lines } from "./lines";

export type Status = "reading" | "following" | "complete" | "none" | "broken";

const PIECE = 1024 * 1024;
/** The most that a page holds at once; of a longer log it holds the end. */
const MOST = 48 * 1024 * 1024;
const AGAIN_MS = 3_000;

export class LogSource {
  lines = new Lines();
  status: Status = "reading";
  error: Error | null = null;
  /** Bytes at the start that were left out, because the log is too long for a page. */
  skipped = 0;
  revision = 0;

  private next = 0;
  private stopped = false;
  private events: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private listeners = new Set<() => void>();

  constructor(
    private readonly job: string,
    private readonly attempt: number,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(): void {
    this.stopped = false;
    void this.read();
  }

  stop(): void {
    this.stopped = true;
    this.events?.close();
    this.events = null;
    clearTimeout(this.timer);
  }

  /** Ask again now, after something was broken. */
  again(): void {
    clearTimeout(this.timer);
    void this.read();
  }

  private async read(): Promise<void> {
    try {
      for (;;) {
        const query = { attempt: this.attempt, offset: this.next, limit: PIECE };
        const chunk = await ask(readLog({ path: { job_id: this.job }, query }));
        if (this.stopped) return;
        if (this.next === 0 && chunk.size > MOST) {
          this.next = this.skipped = chunk.size - MOST;
          continue;
        }
        const came = this.take(chunk);
        if (chunk.complete) return this.become("complete");
        if (!came || chunk.next_offset >= chunk.size) return this.follow();
        this.become("reading");
      }
    } catch (error) {
      if (!this.stopped) this.fail(error as Error);
    }
  }

  private fail(error: Error): void {
    const isMissing = error instanceof Problem && (error.status === 404 || error.status === 409);
    this.error = isMissing ? null : error;
    this.become(isMissing ? "none" : "broken");
    this.timer = setTimeout(() => void this.read(), AGAIN_MS);
  }

  private follow(): void {
    const query = `attempt=${this.attempt}&offset=${this.next}`;
    const events = new EventSource(`/api/jobs/${this.job}/logs/follow?${query}`);
    this.events = events;
    this.become("following");
    events.addEventListener("chunk", (event) => {
      const chunk = JSON.parse((event as MessageEvent<string>).data) as LogChunk;
      // the browser connects again by itself, and may be given again what it has
      if (chunk.offset >= this.next) this.take(chunk);
      this.become("following");
    });
    events.addEventListener("end", () => {
      events.close();
      this.become("complete");
    });
    events.addEventListener("error", () => {
      if (this.stopped) return;
      // a closed stream, or one that opens and says nothing, is asked for by its place again
      events.close();
      this.timer = setTimeout(() => void this.read(), AGAIN_MS);
    });
  }

  private take(chunk: LogChunk): boolean {
    if (chunk.next_offset <= this.next && this.next > 0) return false;
    if (chunk.text) this.lines.append(chunk.text);
    this.next = chunk.next_offset;
    return chunk.text !== "";
  }

  private become(status: Status): void {
    if (status !== "broken") this.error = null;
    this.status = status;
    this.revision += 1;
    for (const listener of this.listeners) listener();
  }
}
