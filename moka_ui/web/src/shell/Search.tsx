/** Paste any id and land on its job. */

import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";

import { Problem } from "../api/ask";
import { jobNamed } from "../api/queries";
import { SearchIcon, TextInput } from "../kit";
import css from "./Search.module.css";
import { useShortcuts } from "./shortcuts";

const NAME = /^[A-Za-z0-9_.\-]+$/;

export function Search() {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [note, setNote] = useState("");
  useShortcuts({ "/": () => input.current?.focus() });

  async function submit(event: FormEvent) {
    event.preventDefault();
    const word = text.trim();
    if (!word) return;
    try {
      const id = await jobNamed(word);
      await navigate({ to: "/jobs/$jobId", params: { jobId: id } });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 404 || !NAME.test(word)) {
        setNote(error.status === 404 ? "No job has this id" : error.message);
        return;
      }
      // not an id: then it may be how a job's name starts
      await navigate({ to: "/", search: { name: word } });
    }
    setText("");
    input.current?.blur();
  }

  return (
    <form role="search" className={css.search} onSubmit={(event) => void submit(event)}>
      <TextInput
        ref={input}
        size="sm"
        aria-label="Find a job by id, application, pod or name"
        placeholder="Paste a job id, application, pod… or a name"
        leftSection={<SearchIcon />}
        rightSection={<kbd className={css.key}>/</kbd>}
        value={text}
        error={note || undefined}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setNote("");
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
        classNames={{ error: css.note }}
        autoComplete="off"
        spellCheck={false}
      />
    </form>
  );
}
