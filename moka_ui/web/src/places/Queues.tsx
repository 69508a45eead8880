/** Every YuniKorn queue that jobs may name. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { queuesQuery } from "../api/queries";
import { Empty, Failure, Stale } from "../kit";
import { visible } from "../text/visible";
import { LIVE_STATES } from "../text/words";
import css from "./places.module.css";
import { Waiting } from "./Waiting";

export function Queues() {
  const { data, error, refetch, dataUpdatedAt } = useQuery(queuesQuery);
  document.title = "Queues · Moka";
  return (
    <>
      <h1 className={css.title}>Queues</h1>
      {!data && !error && <Waiting />}
      {!data && error && <Failure error={error} retry={() => void refetch()} />}
      {data && <Stale error={error} since={dataUpdatedAt} />}
      {data?.items.length === 0 && (
        <Empty title="No queue is known yet">Archer writes its queues here when it starts.</Empty>
      )}
      {data && data.items.length > 0 && (
        <div className={`panel ${css.frame}`}>
          <table className={css.table}>
            <thead>
              <tr>
                {["Path", "Tier", "Live jobs", "For"].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.items.map((queue) => (
                <tr key={queue.path}>
                  <th scope="row">
                    <Link to="/" search={{ queue: queue.path }}>
                      {visible(queue.path)}
                    </Link>
                  </th>
                  <td>{queue.tier}</td>
                  <td>
                    <Link to="/" search={{ queue: queue.path, state: [...LIVE_STATES] }}>
                      {queue.live_jobs}
                    </Link>
                  </td>
                  <td className={css.wrap}>{visible(queue.description)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
