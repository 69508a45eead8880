/** Where a cluster stands: what people asked of it, who, when and why, and whether it answers. */

import type { Cluster } from "../generated";
import { Ago } from "../kit";
import { visible } from "../text/visible";
import css from "./places.module.css";

export function ClusterState({ cluster }: { cluster: Cluster }) {
  return (
    <>
      <span className={css.state} data-state={cluster.state}>
        {visible(cluster.state)}
      </span>
      {cluster.wanted_at && (
        <div className="quiet">
          by {visible(cluster.wanted_by ?? "")} <Ago at={cluster.wanted_at} />
        </div>
      )}
      {cluster.wanted_reason && <div className={`quiet ${css.reason}`}>{visible(cluster.wanted_reason)}</div>}
      {!cluster.is_reachable && cluster.state !== "unreachable" && <div className="quiet">does not answer</div>}
      {cluster.message && <div className={`quiet ${css.reason}`}>{visible(cluster.message)}</div>}
      {cluster.removed_at && (
        <div className="quiet">
          left the clusters file <Ago at={cluster.removed_at} />
        </div>
      )}
    </>
  );
}
