/** Why an attempt runs where it runs: who could have taken it, at which load, and who could not. */

import { visible } from "../text/visible";
import css from "./Placement.module.css";

type Candidate = { cluster: string; load?: number; live_jobs?: number; weight?: number };
type Reject = { cluster: string; rule?: string; message?: string };

export function Placement({ placement, chosen }: { placement: Record<string, unknown>; chosen: string }) {
  const candidates = list<Candidate>(placement["candidates"]);
  const rejects = list<Reject>(placement["rejects"]);
  const [arch, why] = [text(placement["arch"]), text(placement["arch_why"])];
  if (candidates.length + rejects.length === 0) return null;
  return (
    <div className={css.frame}>
      <table className={css.table}>
        <caption>Placement: the least load for its weight wins</caption>
        <thead>
          <tr>
            <th scope="col">Cluster</th>
            <th scope="col">Load</th>
            <th scope="col">Live jobs</th>
            <th scope="col">Weight</th>
            <th scope="col">Decision</th>
          </tr>
        </thead>
        <tbody>
          {candidates.map((each) => (
            <tr key={each.cluster} data-chosen={each.cluster === chosen}>
              <th scope="row">{visible(each.cluster)}</th>
              <td>{each.load === undefined ? "–" : Number(each.load).toFixed(2)}</td>
              <td>{each.live_jobs ?? "–"}</td>
              <td>{each.weight ?? "–"}</td>
              <td>{each.cluster === chosen ? "✓ chosen" : "possible"}</td>
            </tr>
          ))}
          {rejects.map((each) => (
            <tr key={each.cluster}>
              <th scope="row">{visible(each.cluster)}</th>
              <td colSpan={3} />
              <td>✗ {visible(each.message ?? each.rule ?? "rejected")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {arch && why && (
        <p className={css.arch}>
          {visible(arch)}: {visible(why)}
        </p>
      )}
    </div>
  );
}

/** Items that name a cluster; a decision of another form shows as none. */
function list<T extends { cluster: string }>(value: unknown): T[] {
  return Array.isArray(value) ? value.filter((each): each is T => typeof each?.cluster === "string") : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
