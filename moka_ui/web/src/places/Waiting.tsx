/** A table before it is there. */

import { Skeleton } from "../kit";
import css from "./places.module.css";

export function Waiting() {
  return (
    <div className={`panel ${css.waiting}`} aria-busy="true" aria-label="Reading">
      {Array.from({ length: 5 }, (_, row) => (
        <Skeleton key={row} height={18} />
      ))}
    </div>
  );
}
