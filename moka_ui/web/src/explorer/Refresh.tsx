/** How fresh the list is, and whether it renews itself. */

import { Button, PauseIcon, PlayIcon, useNow } from "../kit";
import css from "./Refresh.module.css";

type Props = { live: boolean; setLive: (live: boolean) => void; at: number; fetching: boolean; refetch: () => unknown };

export function Refresh({ live, setLive, at, fetching, refetch }: Props) {
  const seconds = Math.max(0, Math.floor((useNow() - at) / 1000));
  return (
    <div className={css.refresh}>
      <span className="quiet" data-testid="updated">
        {at === 0 ? "reading…" : seconds < 2 ? "updated just now" : `updated ${seconds} s ago`}
      </span>
      {!live && (
        <Button variant="subtle" size="compact-sm" loading={fetching} onClick={() => void refetch()}>
          Refresh
        </Button>
      )}
      <Button
        variant="default"
        size="compact-sm"
        leftSection={live ? <PauseIcon /> : <PlayIcon />}
        aria-pressed={live}
        aria-label="Live refresh"
        onClick={() => setLive(!live)}
      >
        {live ? "Live" : "Paused"}
      </Button>
    </div>
  );
}
