/** One line of a log. Its colours are shown; nothing else in it does anything. */

import Anser from "anser";
import type { ReactNode } from "react";

import { visibleLine } from "../text/visible";
import { lastWritten, plainText } from "./lines";
import css from "./LogView.module.css";

const OSC = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;

export function LineText({ line, wanted, isCurrent }: { line: string; wanted: string; isCurrent: boolean }): ReactNode {
  const shown = lastWritten(line);
  if (wanted) return <Marked text={plainText(line)} wanted={wanted} isCurrent={isCurrent} />;
  if (!shown.includes("\u001b")) return visibleLine(shown);
  return Anser.ansiToJson(shown.replace(OSC, ""), { use_classes: true, remove_empty: true }).map((part, index) => (
    <span key={index} className={colours(part)}>
      {visibleLine(part.content)}
    </span>
  ));
}

/** Class names out of a fixed set: nothing of the log's own text gets into an attribute. */
function colours(part: Anser.AnserJsonEntry): string {
  const names: string[] = [];
  const front = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/.exec(part.fg ?? "");
  if (front) names.push(css[front[2]!] ?? "");
  if (part.bg) names.push(css.reverse ?? "");
  for (const name of part.decorations) if (name === "bold" || name === "dim" || name === "italic" || name === "underline") names.push(css[name] ?? "");
  return names.join(" ");
}

function Marked({ text, wanted, isCurrent }: { text: string; wanted: string; isCurrent: boolean }): ReactNode {
  const exact = wanted !== wanted.toLowerCase();
  const where = exact ? text : text.toLowerCase();
  const needle = exact ? wanted : wanted.toLowerCase();
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = where.indexOf(needle); at !== -1; at = where.indexOf(needle, from)) {
    parts.push(visibleLine(text.slice(from, at)));
    parts.push(
      <mark key={at} data-current={isCurrent}>
        {visibleLine(text.slice(at, at + needle.length))}
      </mark>,
    );
    from = at + needle.length;
  }
  parts.push(visibleLine(text.slice(from)));
  return parts;
}
