/** One log with its tools. */

import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { AttemptChoice } from "../job/AttemptChoice";
import { isFinal } from "../text/words";
import type { Attempt, JobDetail } from "../generated";
import { Button, Empty, Failure, Select, Skeleton, Switch, useLocalStorage } from "../kit";
import { Find } from "./Find";
import { matches, ofLevel } from "./lines";
import css from "./LogView.module.css";
import { Rows, type RowsHandle } from "./Rows";
import { useSource } from "./useSource";

const LEAST = [
  { value: "0", label: "All levels" },
  { value: "1", label: "Info and up" },
  { value: "2", label: "Warnings and up" },
  { value: "3", label: "Errors" },
];

export function LogPane({ job, attempts, number }: { job: JobDetail; attempts: Attempt[]; number: number }) {
  const source = useSource(job.id, number);
  const rows = useRef<RowsHandle>(null);
  const [follow, setFollow] = useState(() => !location.hash.startsWith("#L") && !isFinal(job.state));
  const [wrap, setWrap] = useLocalStorage({ key: "moka-wrap", defaultValue: false });
  const [least, setLeast] = useState(0);
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const { lines, status, revision } = source;

  // biome-ignore: the revision stands for the lines, which grow in place
  const shown = useMemo(() => ofLevel(lines, least), [lines, least, revision]);
  const searched = useDeferredValue(wanted);
  const found = useMemo(() => matches(lines, shown, searched), [lines, shown, searched]);
  const current = found.length > 0 ? found[Math.min(at, found.length - 1)]! : -1;
  useEffect(() => setAt(0), [searched, least]);
  useEffect(() => {
    if (current >= 0 && searched) rows.current?.show(current);
  }, [current, searched]);

  const size = lines.text.length;
  if (status === "none" && size === 0) return <NoLog job={job} />;
  if (status === "broken" && size === 0)
    return (
      <div className="panel">
        <Failure error={source.error!} retry={() => source.again()} title="The log cannot be read right now" />
      </div>
    );
  return (
    <section className={`panel ${css.pane}`} aria-label="Driver log">
      <div className={css.tools}>
        <AttemptChoice attempts={attempts} number={number} />
        <Find wanted={wanted} set={setWanted} at={found.length ? Math.min(at, found.length - 1) : 0} count={found.length} go={(to) => {
          setFollow(false);
          setAt((to + found.length) % Math.max(1, found.length));
        }} />
        <Select size="xs" w={145} aria-label="Level" allowDeselect={false} data={LEAST} value={String(least)} onChange={(value) => setLeast(Number(value))} />
        <Switch size="xs" label="Wrap" checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} />
        <Switch size="xs" label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
        <span className={css.right}>
          <Button variant="subtle" size="compact-sm" onClick={() => { setFollow(false); rows.current?.show(0); }}>Top</Button>
          <Button variant="subtle" size="compact-sm" onClick={() => rows.current?.show(shown.length - 1)}>End</Button>
          <Button component="a" variant="subtle" size="compact-sm" href={`/api/jobs/${job.id}/logs/download?attempt=${number}`} download>Download</Button>
        </span>
      </div>
      {source.skipped > 0 && (
        <p className={css.note}>This log is too long for a page: its first {Math.round(source.skipped / 1048576)} MiB are left out here. The download has all of it.</p>
      )}
      {size === 0 ? (
        status === "reading" ? <div className={css.empty}><Skeleton height={180} /></div> : <Empty title="The log is empty">The driver has not written anything{status === "complete" ? "" : " yet"}.</Empty>
      ) : shown.length === 0 ? (
        <Empty title="No line of this level" />
      ) : (
        <Rows ref={rows} lines={lines} shown={shown} wrap={wrap} follow={follow} setFollow={setFollow} wanted={searched} current={current} numbered={source.skipped === 0} />
      )}
      <footer className={css.foot} role="status">
        <span>{size.toLocaleString("en")} lines{least > 0 && `, ${shown.length.toLocaleString("en")} shown`}</span>
        <span data-testid="log-status">{STATUS[status]}</span>
      </footer>
    </section>
  );
}

const STATUS = {
  reading: "reading…",
  following: "● live",
  complete: "complete",
  none: "waiting for more",
  broken: "connection lost; asking again",
};

function NoLog({ job }: { job: JobDetail }) {
  const over = isFinal(job.state);
  return (
    <div className="panel">
      <Empty title={over ? "This attempt has no log" : "No log yet"} command={over ? undefined : `moka logs -f ${job.id}`}>
        {over ? "The driver never started, or its log is gone from the cluster." : "It begins when the driver starts, and shows here by itself."}
      </Empty>
    </div>
  );
}
