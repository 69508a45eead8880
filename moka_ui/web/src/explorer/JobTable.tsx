/** Jobs as rows. */

import { createColumnHelper, tableFeatures, useTable } from "@tanstack/react-table";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef } from "react";

import type { Job } from "../generated";
import { Ago, Lasted, StateMark } from "../kit";
import { visible } from "../text/visible";
import { reasonWords, shortId } from "../text/words";
import css from "./JobTable.module.css";
import { useFresh } from "./fresh";
import { useRowKeys } from "./rows";

const features = tableFeatures({});
const column = createColumnHelper<typeof features, Job>();

const columns = column.columns([
  column.accessor("state", {
    header: "State",
    cell: ({ row: { original: job } }) => (
      <span title={job.state === "failed" ? reasonWords(job.reason).title : undefined}>
        <StateMark state={job.state} />
      </span>
    ),
  }),
  column.accessor("name", {
    header: "Name",
    cell: ({ row: { original: job } }) => (
      <Link to="/jobs/$jobId" params={{ jobId: job.id }} className={css.name} title={visible(job.name)}>
        {visible(job.name)}
      </Link>
    ),
  }),
  column.accessor("id", { header: "Id", cell: ({ row: { original: job } }) => <code title={job.id}>{shortId(job.id)}</code> }),
  column.accessor("queue", { header: "Queue", cell: ({ row: { original: job } }) => <span className={css.clip} title={visible(job.queue)}>{visible(job.queue)}</span> }),
  column.accessor("cluster", {
    header: "Cluster",
    cell: ({ row: { original: job } }) => (job.cluster ? visible(job.cluster) : <span className="quiet">not placed</span>),
  }),
  column.accessor("owner", { header: "Owner", cell: ({ row: { original: job } }) => <span className={css.clip} title={visible(job.owner)}>{visible(job.owner)}</span> }),
  column.accessor("attempt", {
    header: "Attempt",
    cell: ({ row: { original: job } }) => (job.attempt === 0 ? <span className="quiet">–</span> : job.attempt),
  }),
  column.accessor("created_at", { header: "Accepted", cell: ({ row: { original: job } }) => <Ago at={job.created_at} /> }),
  column.accessor("started_at", {
    header: "Duration",
    cell: ({ row: { original: job } }) => <Lasted from={job.started_at} to={job.ended_at} />,
  }),
]);

export function JobTable({ jobs, stale }: { jobs: Job[]; stale: boolean }) {
  const navigate = useNavigate();
  const body = useRef<HTMLTableSectionElement>(null);
  const fresh = useFresh(jobs);
  useRowKeys(body);
  const table = useTable({ features, columns, data: jobs, getRowId: (job) => job.id });
  return (
    <div className={`panel ${css.frame}`} data-stale={stale}>
      <table className={css.table}>
        <caption className="hidden-words">Jobs</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => (
                <th key={header.id} scope="col" data-column={header.column.id}>
                  <table.FlexRender header={header} />
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody ref={body}>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              data-testid="job"
              data-fresh={fresh.has(row.id)}
              onClick={(event) => {
                // the link in the row does its own work, and marked text is not a click
                if ((event.target as Element).closest("a") || String(getSelection())) return;
                void navigate({ to: "/jobs/$jobId", params: { jobId: row.original.id } });
              }}
            >
              {row.getAllCells().map((cell) => (
                <td key={cell.id} data-column={cell.column.id}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
