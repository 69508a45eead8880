/** All jobs over all clusters, as the address filters and sorts them. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { countsQuery, jobsQuery } from "../api/queries";
import { Button, Empty, Failure, Stale, useLocalStorage, useMediaQuery } from "../kit";
import { ArrivedWith } from "./arrival";
import css from "./Explorer.module.css";
import { FilterBar } from "./FilterBar";
import { countFilters, type Filters } from "./filters";
import { JobCards } from "./JobCards";
import { JobTable } from "./JobTable";
import { Loading } from "./Loading";
import { Refresh } from "./Refresh";
import { StateCounts } from "./StateCounts";

export function Explorer() {
  const filters = useSearch({ from: "/" });
  const navigate = useNavigate();
  const narrow = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const [live, setLive] = useLocalStorage({ key: "moka-live", defaultValue: true, getInitialValueInEffect: false });
  const counts = useQuery(countsQuery(live));
  const list = useInfiniteQuery(jobsQuery(filters, live));
  const jobs = useMemo(() => {
    // a job that ends between two pages of the longest may come twice
    const all = (list.data?.pages ?? []).flatMap((page) => page.items);
    return [...new Map(all.map((job) => [job.id, job])).values()];
  }, [list.data]);
  const [shownNote, setShownNote] = useState(true);

  function change(changes: Partial<Filters>) {
    void navigate({ to: "/", search: (old) => ({ ...old, ...changes }), replace: true });
  }
  function clear() {
    void navigate({ to: "/", search: filters.sort ? { sort: filters.sort } : {} });
  }

  document.title = "Jobs · Moka";
  return (
    <>
      <div className={css.head}>
        <h1>Jobs</h1>
        <Refresh live={live} setLive={setLive} at={list.dataUpdatedAt} fetching={list.isFetching} refetch={list.refetch} />
      </div>
      {shownNote && <ArrivedWith close={() => setShownNote(false)} />}
      <Stale error={list.data ? list.error : null} since={list.dataUpdatedAt} />
      <StateCounts counts={counts.data} filters={filters} />
      <FilterBar filters={filters} change={change} clear={clear} narrow={narrow} />
      <p className="hidden-words" aria-live="polite" role="status">
        {list.data && `${jobs.length}${list.hasNextPage ? " or more" : ""} jobs`}
      </p>
      {list.isPending ? (
        <Loading narrow={narrow} />
      ) : !list.data ? (
        <div className="panel">
          <Failure error={list.error!} retry={() => void list.refetch()} />
        </div>
      ) : jobs.length === 0 ? (
        <div className="panel">
          <Nothing filtered={countFilters(filters) > 0} clear={clear} />
        </div>
      ) : (
        <>
          {narrow ? <JobCards jobs={jobs} /> : <JobTable jobs={jobs} stale={list.isPlaceholderData} />}
          <div className={css.foot}>
            <span className="quiet">
              {jobs.length} {jobs.length === 1 ? "job" : "jobs"}
              {list.hasNextPage ? " shown, more to load" : ", that is all"}
            </span>
            {list.hasNextPage && (
              <Button variant="default" size="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Load more
              </Button>
            )}
          </div>
        </>
      )}
    </>
  );
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (!filtered)
    return (
      <Empty title="No jobs yet" command="moka submit examples/pi.py 100">
        Submit the first one; it shows here within seconds.
      </Empty>
    );
  return (
    <Empty title="No job matches these filters">
      <Button variant="default" size="sm" onClick={clear}>
        Clear the filters
      </Button>
    </Empty>
  );
}
