/** Search over the whole log, not only over what is on the screen: / Enter Shift+Enter Esc. */

import { useRef } from "react";

import { ActionIcon, DownIcon, SearchIcon, TextInput, UpIcon } from "../kit";
import { useShortcuts } from "../shell/shortcuts";
import css from "./LogView.module.css";

type Props = { wanted: string; set: (wanted: string) => void; at: number; count: number; go: (to: number) => void };

export function Find({ wanted, set, at, count, go }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts({
    "/": () => input.current?.select(),
    n: () => go(at + 1),
    N: () => go(at - 1),
  });
  return (
    <div className={css.find}>
      <TextInput
        ref={input}
        size="xs"
        aria-label="Search the log"
        placeholder="Search the log  ( / )"
        leftSection={<SearchIcon />}
        value={wanted}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => set(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            go(event.shiftKey ? at - 1 : at + 1);
          }
          if (event.key === "Escape") {
            set("");
            event.currentTarget.blur();
          }
        }}
      />
      <span className={css.counter} role="status" data-testid="matches">
        {wanted && (count === 0 ? "none" : `${at + 1} of ${count.toLocaleString("en")}`)}
      </span>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Match before" disabled={count === 0} onClick={() => go(at - 1)}>
        <UpIcon />
      </ActionIcon>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Next match" disabled={count === 0} onClick={() => go(at + 1)}>
        <DownIcon />
      </ActionIcon>
    </div>
  );
}
