/** A log as lines: cut, levelled and searched. Pure; knows nothing of where it comes from. */

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

const WORD = /\b(FATAL|SEVERE|CRITICAL|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b/;
const TRACE_START = /^(Traceback \(most recent call last\)|Exception in thread|Caused by:)/;
const LEVEL_OF: Record<string, number> = { FATAL: 3, SEVERE: 3, CRITICAL: 3, ERROR: 3, WARN: 2, WARNING: 2, INFO: 1, DEBUG: 0, TRACE: 0 };
// the level stands near the start; later in the line the word is only text
const NEAR = 120;
// colours (CSI), titles and links (OSC), and the rest of the escapes
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

export class Lines {
  readonly text: string[] = [];
  readonly levels: number[] = [];
  private open = false;

  /** Add what came; a line that was not ended goes on. */
  append(piece: string): void {
    const parts = piece.split("\n");
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (isLast && part === "") {
        this.open = false;
        return;
      }
      if (index === 0 && this.open) this.replaceLast(this.text.at(-1)! + part);
      else this.push(part);
      this.open = isLast;
    }
  }

  private push(line: string): void {
    this.text.push(line);
    this.levels.push(this.level(line, this.levels.at(-1) ?? 1));
  }

  private replaceLast(line: string): void {
    const last = this.text.length - 1;
    this.text[last] = line;
    this.levels[last] = this.level(line, this.levels[last - 1] ?? 1);
  }

  /** A line without a level of its own, as those of a stack trace, has that of the line before it. */
  private level(line: string, before: number): number {
    const bare = plainText(line.slice(0, NEAR));
    if (TRACE_START.test(bare)) return 3;
    const word = WORD.exec(bare)?.[1];
    return word ? LEVEL_OF[word]! : before;
  }
}

/** What of a line is seen: after a carriage return a terminal writes over it; escapes are not text. */
export function plainText(line: string): string {
  return lastWritten(line).replace(ESCAPES, "");
}

/** The part of a line after its last carriage return, as a progress bar leaves it. */
export function lastWritten(line: string): string {
  const trimmed = line.endsWith("\r") ? line.slice(0, -1) : line;
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}

/** Numbers, from 0, of the lines that have at least this level. */
export function ofLevel(lines: Lines, least: number): number[] {
  const found: number[] = [];
  for (let index = 0; index < lines.text.length; index++) if (least === 0 || lines.levels[index]! >= least) found.push(index);
  return found;
}

/** Which of the shown rows hold the text; the case counts only when it is mixed. */
export function matches(lines: Lines, rows: number[], wanted: string): number[] {
  if (wanted === "") return [];
  const exact = wanted !== wanted.toLowerCase();
  const needle = exact ? wanted : wanted.toLowerCase();
  const found: number[] = [];
  for (const [row, index] of rows.entries()) {
    const text = plainText(lines.text[index]!);
    if ((exact ? text : text.toLowerCase()).includes(needle)) found.push(row);
  }
  return found;
}
