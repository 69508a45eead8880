/** Every cluster, and when it was last heard of. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { clustersQuery } from "../api/queries";
import { Ago, Empty, Failure, Stale } from "../kit";
import { visible } from "../text/visible";
import { capabilities } from "./capabilities";
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
                {["Name", "State", "Live jobs", "Weight", "Can run", "Version", "Last heard of"].map((name) => (
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
                    <span className={css.state} data-state={cluster.state}>
                      {visible(cluster.state)}
                    </span>
                    {cluster.message && <div className="quiet">{visible(cluster.message)}</div>}
                  </td>
                  <td>
                    <Link to="/" search={{ cluster: cluster.name, state: ["dispatching", "submitted", "running", "cancelling"] }}>
                      {cluster.live_jobs}
                    </Link>
                  </td>
                  <td>{cluster.weight}</td>
                  <td className={css.wrap}>{visible(capabilities(cluster.capabilities))}</td>
                  <td>{cluster.version ? <code>{visible(cluster.version)}</code> : "–"}</td>
                  <td>{cluster.last_seen_at ? <Ago at={cluster.last_seen_at} /> : "never"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
