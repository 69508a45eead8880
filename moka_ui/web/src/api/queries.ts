/** Every question the pages ask, each with its key and how often it is asked again. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import type { Filters } from "../explorer/filters";
import { toQuery } from "../explorer/filters";
import {
  findJob,
  listAttempts,
  listClusters,
  listEvents,
  listJobs,
  listQueues,
  readCounts,
  readJob,
  readManifest,
} from "../generated";
import { isFinal } from "../text/words";
import { ask } from "./ask";

const OFTEN = 3_000;
const SOMETIMES = 5_000;
const RARELY = 15_000;
const PAGE = 50;

export function jobsQuery(filters: Filters, live: boolean) {
  return infiniteQueryOptions({
    queryKey: ["jobs", filters],
    queryFn: ({ pageParam, signal }) =>
      ask(listJobs({ query: { ...toQuery(filters, Date.now()), limit: PAGE, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: live ? SOMETIMES : false,
    placeholderData: keepPreviousData,
  });
}

export function countsQuery(live: boolean) {
  return queryOptions({
    queryKey: ["counts"],
    queryFn: ({ signal }) => ask(readCounts({ signal })),
    refetchInterval: live ? SOMETIMES : false,
  });
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) => ask(readJob({ path: { job_id: id }, signal })),
    refetchInterval: (query) => (query.state.data && isFinal(query.state.data.state) ? false : OFTEN),
  });
}

/** Attempts and events belong to a version of the job: they are asked for again when it grows. */
export function attemptsQuery(id: string, version: number) {
  return queryOptions({
    queryKey: ["attempts", id, version],
    queryFn: ({ signal }) => ask(listAttempts({ path: { job_id: id }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function eventsQuery(id: string, version: number) {
  return queryOptions({
    queryKey: ["events", id, version],
    queryFn: ({ signal }) => ask(listEvents({ path: { job_id: id }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function manifestQuery(id: string, attempt: number) {
  return queryOptions({
    queryKey: ["manifest", id, attempt],
    queryFn: ({ signal }) => ask(readManifest({ path: { job_id: id, number: attempt }, signal })),
    staleTime: Infinity,
  });
}

export const clustersQuery = queryOptions({
  queryKey: ["clusters"],
  queryFn: ({ signal }) => ask(listClusters({ signal })),
  refetchInterval: RARELY,
});

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: ({ signal }) => ask(listQueues({ signal })),
  refetchInterval: RARELY,
});

/** The id of the job that a pasted name belongs to. */
export async function jobNamed(name: string): Promise<string> {
  return (await ask(findJob({ query: { q: name } }))).job_id;
}
