/** The driver log: all of it, whatever its length, followed while it grows. */

import type { Attempt, JobDetail } from "../generated";
import { Empty } from "../kit";
import { LogPane } from "./LogPane";

type Props = { job: JobDetail; attempts: Attempt[]; number: number };

export function LogView({ job, attempts, number }: Props) {
  if (number === 0)
    return (
      <div className="panel">
        <Empty title="No log yet" command={`moka logs -f ${job.id}`}>
          The job has not been placed on a cluster. The log begins when its driver starts.
        </Empty>
      </div>
    );
  return <LogPane job={job} attempts={attempts} number={number} />;
}
