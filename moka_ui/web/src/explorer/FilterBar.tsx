/** Every filter and the order; what is set here stands in the address. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { clustersQuery, queuesQuery } from "../api/queries";
import { Button, FilterIcon, SegmentedControl, Select } from "../kit";
import css from "./FilterBar.module.css";
import { countFilters, type Filters, SINCE } from "./filters";
import { Labels } from "./Labels";
import { Word } from "./Word";

type Props = { filters: Filters; change: (changes: Partial<Filters>) => void; clear: () => void; narrow: boolean };

const TIMES = [
  { value: "1h", label: "last hour" },
  { value: "24h", label: "last 24 hours" },
  { value: "7d", label: "last 7 days" },
  { value: "30d", label: "last 30 days" },
] satisfies { value: keyof typeof SINCE; label: string }[];

export function FilterBar({ filters, change, clear, narrow }: Props) {
  const [open, setOpen] = useState(false);
  const count = countFilters(filters);
  return (
    <div className={css.bar}>
      {narrow && (
        <Button variant="default" size="sm" leftSection={<FilterIcon />} aria-expanded={open} onClick={() => setOpen(!open)}>
          Filters{count > 0 ? ` (${count})` : ""}
        </Button>
      )}
      {(!narrow || open) && <Fields filters={filters} change={change} />}
      <div className={css.end}>
        {count > 0 && (
          <Button variant="subtle" size="compact-sm" onClick={clear}>
            Clear
          </Button>
        )}
        <SegmentedControl
          size="xs"
          aria-label="Order"
          value={filters.sort ?? "newest"}
          onChange={(sort) => change({ sort: sort === "longest" ? sort : undefined })}
          data={[
            { value: "newest", label: "Newest" },
            { value: "longest", label: "Longest" },
          ]}
        />
      </div>
    </div>
  );
}

function Fields({ filters, change }: Pick<Props, "filters" | "change">) {
  const clusters = useQuery(clustersQuery);
  const queues = useQuery(queuesQuery);
  const range = filters.created_after ?? filters.created_before;
  return (
    <div className={css.fields}>
      <Word label="Name starts with" value={filters.name} set={(name) => change({ name })} width={170} />
      <Choice label="Queue" value={filters.queue} set={(queue) => change({ queue })} data={queues.data?.items.map((q) => q.path)} width={180} />
      <Choice label="Cluster" value={filters.cluster} set={(cluster) => change({ cluster })} data={clusters.data?.items.map((c) => c.name)} width={130} />
      <Word label="Tenant" value={filters.tenant} set={(tenant) => change({ tenant })} width={100} />
      <Word label="Owner" value={filters.owner} set={(owner) => change({ owner })} width={100} />
      <Select
        size="sm"
        w={140}
        aria-label="Accepted"
        placeholder={range ? "a set time" : "Any time"}
        clearable
        data={TIMES}
        value={filters.since ?? null}
        onChange={(since) => change({ since: (since as Filters["since"]) ?? undefined, created_after: undefined, created_before: undefined })}
      />
      <Labels labels={filters.label ?? []} set={(label) => change({ label: label.length > 0 ? label : undefined })} />
      {range && <SetTime filters={filters} change={change} />}
    </div>
  );
}

/** A range that came with the address; it can be taken away here. */
function SetTime({ filters, change }: Pick<Props, "filters" | "change">) {
  const text = [filters.created_after && `from ${filters.created_after}`, filters.created_before && `to ${filters.created_before}`];
  return (
    <Button variant="light" size="compact-sm" onClick={() => change({ created_after: undefined, created_before: undefined })}>
      {text.filter(Boolean).join(" ")} ✕
    </Button>
  );
}

type ChoiceProps = { label: string; value: string | undefined; set: (value: string | undefined) => void; data: string[] | undefined; width: number };

function Choice({ label, value, set, data, width }: ChoiceProps) {
  // what the address asks for stays, even when no such thing is known
  const known = [...new Set([...(data ?? []), ...(value ? [value] : [])])];
  return (
    <Select
      size="sm"
      w={width}
      aria-label={label}
      placeholder={label}
      searchable
      clearable
      data={known}
      value={value ?? null}
      onChange={(next) => set(next ?? undefined)}
      nothingFoundMessage="None"
      comboboxProps={{ width: "max-content", position: "bottom-start" }}
    />
  );
}
