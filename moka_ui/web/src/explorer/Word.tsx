/** A filter that is written; it counts once people stop writing. */

import { useEffect, useRef, useState } from "react";

import { TextInput } from "../kit";

type Props = { label: string; value: string | undefined; set: (value: string | undefined) => void; width: number };

const PAUSE_MS = 350;

export function Word({ label, value, set, width }: Props) {
  const [text, setText] = useState(value ?? "");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const writing = useRef(false);
  useEffect(() => {
    // the address may change without this field: back, a link, Clear
    if (!writing.current) setText(value ?? "");
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function commit(next: string) {
    clearTimeout(timer.current);
    writing.current = false;
    if (next.trim() !== (value ?? "")) set(next.trim() || undefined);
  }
  return (
    <TextInput
      size="sm"
      w={width}
      aria-label={label}
      placeholder={label}
      value={text}
      maxLength={256}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => {
        const next = event.currentTarget.value;
        writing.current = true;
        setText(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => commit(next), PAUSE_MS);
      }}
      onBlur={() => commit(text)}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit(text);
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}
