/** One job: how it stands, why, and everything that was tried for it. */

import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";

import { attemptsQuery, eventsQuery, jobQuery } from "../api/queries";
import type { Attempt, JobDetail } from "../generated";
import { CopyButton, Failure, Skeleton, Stale, StateMark } from "../kit";
import { LogView } from "../log/LogView";
import { visible } from "../text/visible";
import { plain } from "../text/words";
import { Attempts } from "./Attempts";
import { CopyAs } from "./CopyAs";
import { Events } from "./Events";
import { Facts } from "./Facts";
import { Headline } from "./Headline";
import css from "./JobPage.module.css";
import { ManifestView } from "./ManifestView";
import { TABS } from "./tabs";
import { Timeline } from "./Timeline";

export function JobPage() {
  const { jobId } = useParams({ from: "/jobs/$jobId" });
  const { data: job, error, refetch, dataUpdatedAt } = useQuery(jobQuery(jobId));
  const attempts = useQuery({ ...attemptsQuery(jobId, job?.version ?? 0), enabled: job !== undefined });
  const { tab = "overview" } = useSearch({ from: "/jobs/$jobId" });
  document.title = job ? `${visible(job.name)} · ${job.state} · Moka` : "Job · Moka";
  if (!job && error) return <Failure error={error} retry={() => void refetch()} />;
  if (!job) return <Loading />;
  return (
    <>
      <Stale error={error} since={dataUpdatedAt} />
      <header className={css.head}>
        <nav className={css.path} aria-label="Where this is">
          <Link to="/">Jobs</Link> <span aria-hidden>/</span> <code>{job.id}</code>
          <CopyButton text={job.id} label="Copy the job id" />
        </nav>
        <div className={css.line}>
          <h1>{visible(job.name)}</h1>
          <span className={css.state} aria-live="polite">
            <StateMark state={job.state} />
          </span>
          <CopyAs job={job} />
        </div>
      </header>
      <Headline job={job} last={attempts.data?.items.at(-1)} short={tab !== "overview"} />
      <Tabs count={attempts.data?.items.length} />
      <Open job={job} attempts={attempts.data?.items ?? []} failure={attempts.data ? null : attempts.error} />
    </>
  );
}

function Tabs({ count }: { count: number | undefined }) {
  const { tab = "overview" } = useSearch({ from: "/jobs/$jobId" });
  return (
    <nav className={css.tabs} aria-label="Parts of this page">
      {TABS.map((name) => (
        <Link
          key={name}
          from="/jobs/$jobId"
          to="/jobs/$jobId"
          search={(old) => ({ ...old, tab: name === "overview" ? undefined : name })}
          hash=""
          replace
          resetScroll={false}
          data-active={tab === name}
          aria-current={tab === name ? "page" : undefined}
          activeProps={{}}
        >
          {plain(name)}
          {name === "attempts" && count !== undefined && count > 1 && <span className={css.count}>{count}</span>}
        </Link>
      ))}
    </nav>
  );
}

function Open({ job, attempts, failure }: { job: JobDetail; attempts: Attempt[]; failure: Error | null }) {
  const { tab = "overview", attempt } = useSearch({ from: "/jobs/$jobId" });
  const number = attempt ?? attempts.at(-1)?.number ?? job.attempt;
  if (failure) return <Failure error={failure} />;
  if (tab === "attempts") return <Attempts job={job} attempts={attempts} />;
  if (tab === "events") return <EventsOf job={job} />;
  if (tab === "log") return <LogView key={`${job.id}-${number}`} job={job} attempts={attempts} number={number} />;
  if (tab === "manifest") return <ManifestView job={job} attempts={attempts} number={number} />;
  return (
    <>
      <Timeline job={job} attempts={attempts} />
      <Facts job={job} last={attempts.at(-1)} />
    </>
  );
}

function EventsOf({ job }: { job: JobDetail }) {
  const { data, error, refetch } = useQuery(eventsQuery(job.id, job.version));
  if (data) return <Events events={data.items} />;
  return error ? <Failure error={error} retry={() => void refetch()} /> : <Skeleton height={200} />;
}

function Loading() {
  return (
    <div aria-busy="true" aria-label="Reading the job" className={css.loading}>
      <Skeleton height={14} width={280} />
      <Skeleton height={30} width={420} maw="100%" />
      <Skeleton height={140} />
      <Skeleton height={260} />
    </div>
  );
}
