/** The list before it is there: its own shape, so that nothing jumps. */

import { Skeleton } from "../kit";
import css from "./Loading.module.css";

export function Loading({ narrow }: { narrow: boolean }) {
  return (
    <div className={`panel ${css.rows}`} aria-busy="true" aria-label="Reading the jobs">
      {Array.from({ length: narrow ? 6 : 14 }, (_, row) => (
        <Skeleton key={row} height={narrow ? 72 : 16} radius="sm" />
      ))}
    </div>
  );
}
