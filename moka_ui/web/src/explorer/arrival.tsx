/** What was wrong with the address that people came by; said once, and left out. */

import { useEffect } from "react";

import { ActionIcon, CloseIcon } from "../kit";
import { visible } from "../text/visible";
import { parseSearch, readFilters, stringifySearch } from "./filters";

// read once: addresses that the page makes itself are valid
const arrived = location.pathname === "/" ? readFilters(parseSearch(location.search)).dropped : [];

export function ArrivedWith({ close }: { close: () => void }) {
  useEffect(() => {
    // from here on the address says what is shown
    if (arrived.length === 0) return;
    const { filters } = readFilters(parseSearch(location.search));
    history.replaceState(history.state, "", location.pathname + stringifySearch(filters));
  }, []);
  if (arrived.length === 0) return null;
  const names = [...new Set(arrived)].map((name) => visible(name.slice(0, 40)));
  return (
    <div className="banner" role="status" data-testid="dropped">
      <span>
        Left out of the address, because it is not valid: <strong>{names.join(", ")}</strong>
      </span>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label="Dismiss"
        ml="auto"
        onClick={() => {
          arrived.length = 0;
          close();
        }}
      >
        <CloseIcon />
      </ActionIcon>
    </div>
  );
}
