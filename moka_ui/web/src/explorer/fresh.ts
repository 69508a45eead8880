/** Which jobs came since the list was first shown; they stand out for a moment. */

import { useEffect, useState } from "react";

import type { Job } from "../generated";

export function useFresh(jobs: Job[]): Set<string> {
  const [newest, setNewest] = useState(jobs[0]?.id ?? "");
  const [fresh, setFresh] = useState(new Set<string>());
  useEffect(() => {
    const top = jobs.reduce((most, job) => (job.id > most ? job.id : most), "");
    if (top <= newest) return;
    setFresh(new Set(jobs.filter((job) => job.id > newest).map((job) => job.id)));
    setNewest(top);
  }, [jobs, newest]);
  return fresh;
}
