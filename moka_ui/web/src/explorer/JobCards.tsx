/** Jobs as cards, where there is no room for rows. */

import { Link } from "@tanstack/react-router";
import { useRef } from "react";

import type { Job } from "../generated";
import { Ago, Lasted, StateMark } from "../kit";
import { visible } from "../text/visible";
import { reasonWords, shortId } from "../text/words";
import css from "./JobCards.module.css";
import { useRowKeys } from "./rows";

export function JobCards({ jobs }: { jobs: Job[] }) {
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  return (
    <ul className={css.cards} ref={list}>
      {jobs.map((job) => (
        <li key={job.id} data-testid="job">
          <Link to="/jobs/$jobId" params={{ jobId: job.id }} className={css.card}>
            <span className={css.top}>
              <StateMark state={job.state} />
              <span className="quiet">
                <Ago at={job.created_at} />
              </span>
            </span>
            <span className={css.name}>{visible(job.name)}</span>
            {job.state === "failed" && <span className={css.reason}>{reasonWords(job.reason).title}</span>}
            <span className={css.facts}>
              <span>{visible(job.queue)}</span>
              <span>{job.cluster ? visible(job.cluster) : "not placed"}</span>
              <span>{visible(job.owner)}</span>
              {job.started_at && <Lasted from={job.started_at} to={job.ended_at} />}
              <code>{shortId(job.id)}</code>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
