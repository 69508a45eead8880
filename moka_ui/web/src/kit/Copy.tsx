/** Copying, which says that it has happened. */

import { ActionIcon } from "@mantine/core";
import { useEffect, useState } from "react";

import css from "./Copy.module.css";
import { CopyIcon, DoneIcon } from "./icons";

/** Put text on the clipboard; falls back where the page is not in a secure context. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      aria-label={done ? "Copied" : label}
      title={label}
      onClick={() => void copyText(text).then(() => setDone(true))}
    >
      {done ? <DoneIcon /> : <CopyIcon />}
    </ActionIcon>
  );
}

/** A command to run, ready to be taken along. */
export function Command({ text }: { text: string }) {
  return (
    <span className={css.command}>
      <code>{text}</code>
      <CopyButton text={text} label={`Copy ${text}`} />
    </span>
  );
}
