/** Every cluster, and when it was last heard of. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { clustersQuery } from "../api/queries";
import { Empty, Failure, Lasted, Stale } from "../kit";
import { absolute } from "../text/time";
import { visible } from "../text/visible";
import { capabilities, mostLiveJobs, queuesOf } from "./capabilities";
import { ClusterState } from "./ClusterState";
import css from "./places.module.css";
import { Waiting } from "./Waiting";

export function Clusters() {
  const { data, error, refetch, dataUpdatedAt } = useQuery(clustersQuery);
  document.title = "Clusters · Moka";
  return (
    <>
      <h1 className={css.title}>Clusters</h1>
      {!data && !error && <Waiting />}
      {!data && error && <Failure error={error} retry={() => void refetch()} />}
      {data && <Stale error={error} since={dataUpdatedAt} />}
      {data?.items.length === 0 && (
        <Empty title="No cluster is known yet">Archer writes its clusters here when it starts.</Empty>
      )}
      {data && data.items.length > 0 && (
        <div className={`panel ${css.frame}`}>
          <table className={css.table}>
            <thead>
              <tr>
                {["Name", "State", "Live jobs", "Weight", "Queues", "Can run", "Version", "Last heard of"].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.items.map((cluster) => (
                <tr key={cluster.name}>
                  <th scope="row">
                    <Link to="/" search={{ cluster: cluster.name }}>
                      {visible(cluster.name)}
                    </Link>
                    <div className="quiet">{visible(cluster.adapter)}</div>
                  </th>
                  <td>
                    <ClusterState cluster={cluster} />
                  </td>
                  <td>
                    <Link to="/" search={{ cluster: cluster.name, state: ["dispatching", "submitted", "running", "cancelling"] }}>
                      {cluster.live_jobs}
                    </Link>
                    {mostLiveJobs(cluster.capabilities) !== null && <> of {mostLiveJobs(cluster.capabilities)}</>}
                  </td>
                  <td>{cluster.weight}</td>
                  <td className={css.wrap}>{visible(queuesOf(cluster.capabilities))}</td>
                  <td className={css.wrap}>{visible(capabilities(cluster.capabilities))}</td>
                  <td>{cluster.version ? <code>{visible(cluster.version)}</code> : "–"}</td>
                  <td>
                    {cluster.last_seen_at ? (
                      <span title={absolute(cluster.last_seen_at)}>
                        watch is <Lasted from={cluster.last_seen_at} to={null} /> old
                      </span>
                    ) : (
                      "never"
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
