/** What is known about a job, in pairs. */

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Attempt, JobDetail } from "../generated";
import { CopyButton } from "../kit";
import { absolute } from "../text/time";
import { visible } from "../text/visible";
import css from "./Facts.module.css";

export function Facts({ job, last }: { job: JobDetail; last: Attempt | undefined }) {
  return (
    <section className={`panel ${css.panel}`} aria-label="Facts">
      <dl className={css.facts}>
        <Fact name="Queue">
          <Link to="/" search={{ queue: job.queue }}>
            {visible(job.queue)}
          </Link>{" "}
          <span className="quiet">tier {job.tier}</span>
        </Fact>
        <Fact name="Cluster">
          {job.cluster ? (
            <Link to="/" search={{ cluster: job.cluster }}>
              {visible(job.cluster)}
            </Link>
          ) : (
            <span className="quiet">not placed yet</span>
          )}
        </Fact>
        <Fact name="Tenant">
          <Link to="/" search={{ tenant: job.tenant }}>
            {visible(job.tenant)}
          </Link>
        </Fact>
        <Fact name="Owner">
          <Link to="/" search={{ owner: job.owner }}>
            {visible(job.owner)}
          </Link>
        </Fact>
        <Fact name="Type">{visible(job.type)}</Fact>
        <Fact name="Spark">
          {visible(job.spark_version)} <span className="quiet">on {visible(job.arch)}</span>
        </Fact>
        <Fact name="Attempt">{job.attempt === 0 ? "none yet" : job.attempt}</Fact>
        <Fact name="Priority">{job.priority}</Fact>
        <Fact name="Accepted">{absolute(job.created_at)}</Fact>
        {job.started_at && <Fact name="Started">{absolute(job.started_at)}</Fact>}
        {job.ended_at && <Fact name="Ended">{absolute(job.ended_at)}</Fact>}
        {job.deadline_at && <Fact name="Must end by">{absolute(job.deadline_at)}</Fact>}
        {job.cancel_requested_at && <Fact name="Cancel asked for">{absolute(job.cancel_requested_at)}</Fact>}
        {last && <Fact name="Application" copy={last.application} />}
        {last?.spark_app_id && <Fact name="Spark application" copy={last.spark_app_id} />}
        {last?.driver_pod && <Fact name="Driver pod" copy={last.driver_pod} />}
        {job.correlation_id && <Fact name="Correlation id" copy={job.correlation_id} />}
        {Object.keys(job.labels).length > 0 && (
          <Fact name="Labels">
            <span className={css.labels}>
              {Object.entries(job.labels).map(([key, value]) => (
                <Link key={key} to="/" search={{ label: [`${key}:${value}`] }}>
                  {visible(key)}:{visible(value)}
                </Link>
              ))}
            </span>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, copy, children }: { name: string; copy?: string; children?: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {copy && (
          <>
            <code>{visible(copy)}</code> <CopyButton text={copy} label={`Copy: ${name}`} />
          </>
        )}
      </dd>
    </div>
  );
}
