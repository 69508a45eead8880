/** Labels that a job must carry, each as `key:value`. */

import { useState } from "react";

import { Button, TextInput } from "../kit";
import { visible } from "../text/visible";
import { isLabel } from "./filters";

export function Labels({ labels, set }: { labels: string[]; set: (labels: string[]) => void }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);

  function add() {
    const label = text.trim();
    if (!label) return;
    if (!isLabel(label)) return setWrong(true);
    setText("");
    set([...new Set([...labels, label])]);
  }
  return (
    <>
      <TextInput
        size="sm"
        w={120}
        aria-label="Label, as key:value"
        title="Label, as key:value; Enter adds it"
        placeholder="label:value"
        value={text}
        error={wrong}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setWrong(false);
        }}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key === "Enter") add();
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {labels.map((label) => (
        <Button
          key={label}
          variant="light"
          size="compact-sm"
          aria-label={`Remove label ${visible(label)}`}
          onClick={() => set(labels.filter((each) => each !== label))}
        >
          {visible(label)} ✕
        </Button>
      ))}
    </>
  );
}
