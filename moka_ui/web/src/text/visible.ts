/** Text of strangers, made safe to look at: what turns, hides or fakes text is shown as its code point. */

// Controls, soft hyphen, bidirectional marks and isolates, zero-width characters, line separators, tags, BOM.
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** The text with each invisible character written as `\u{202E}`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, codePoint);
}

/** The same for a line of a log, where a tab may stay. */
export function visibleLine(text: string): string {
  return text.replace(INVISIBLE, (character) => (character === "\t" ? character : codePoint(character)));
}

function codePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}}`;
}
