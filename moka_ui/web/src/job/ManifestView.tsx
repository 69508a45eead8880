/** What was created in the cluster, as YAML or JSON, or by who set its lines. Secrets were masked before it was stored. */

import { useQuery } from "@tanstack/react-query";

import { manifestQuery } from "../api/queries";
import type { Attempt, JobDetail } from "../generated";
import { CopyButton, Empty, Failure, SegmentedControl, Skeleton, useLocalStorage } from "../kit";
import { visibleLine } from "../text/visible";
import { AttemptChoice } from "./AttemptChoice";
import { Layers } from "./Layers";
import css from "./ManifestView.module.css";

type Shown = "yaml" | "json" | "layers";

export function ManifestView({ job, attempts, number }: { job: JobDetail; attempts: Attempt[]; number: number }) {
  const [notation, setNotation] = useLocalStorage<Shown>({ key: "moka-notation", defaultValue: "yaml" });
  const exists = attempts.some((attempt) => attempt.number === number && attempt.has_manifest);
  const { data, error, refetch } = useQuery({ ...manifestQuery(job.id, number), enabled: exists });
  if (!exists)
    return (
      <div className="panel">
        <Empty title="No manifest yet">It is written when the job is placed on a cluster.</Empty>
      </div>
    );
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={360} />;
  const text = notation === "json" ? data.json_text : data.yaml_text;
  return (
    <div className="panel">
      <div className={css.tools}>
        <AttemptChoice attempts={attempts} number={number} />
        <SegmentedControl
          size="xs"
          aria-label="Notation"
          value={notation}
          onChange={(value) => setNotation(value as Shown)}
          data={[
            { value: "yaml", label: "YAML" },
            { value: "json", label: "JSON" },
            { value: "layers", label: "Layers" },
          ]}
        />
        <CopyButton text={text} label="Copy the manifest" />
      </div>
      {notation === "layers" ? (
        <Layers lines={data.lines} />
      ) : (
        <pre className={css.text} tabIndex={0} aria-label="Manifest">
          {text.split("\n").map(visibleLine).join("\n")}
        </pre>
      )}
    </div>
  );
}
