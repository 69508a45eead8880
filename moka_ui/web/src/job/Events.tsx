/** What happened to a job, the newest first. */

import type { Event } from "../generated";
import { Ago, Empty, StateMark } from "../kit";
import { absolute } from "../text/time";
import { visible } from "../text/visible";
import { plain } from "../text/words";
import css from "./Events.module.css";

export function Events({ events }: { events: Event[] }) {
  if (events.length === 0)
    return (
      <div className="panel">
        <Empty title="Nothing has happened yet" />
      </div>
    );
  return (
    <div className={`panel ${css.frame}`}>
      <table className={css.table}>
        <caption className="hidden-words">Events</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">State after it</th>
            <th scope="col">Attempt</th>
          </tr>
        </thead>
        <tbody>
          {events.toReversed().map((event) => (
            <tr key={event.seq}>
              <td>
                {absolute(event.at)}{" "}
                <span className="quiet">
                  <Ago at={event.at} />
                </span>
              </td>
              <td className={css.what}>
                <b>{visible(plain(event.kind))}</b>
                {event.message && ` · ${visible(event.message)}`}
              </td>
              <td>
                <StateMark state={event.state} />
              </td>
              <td>{event.attempt || "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
