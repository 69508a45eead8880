/** A log source that lives as long as its view. */

import { useEffect, useState, useSyncExternalStore } from "react";

import { LogSource } from "./source";

export function useSource(job: string, attempt: number): LogSource {
  const [source] = useState(() => new LogSource(job, attempt));
  useEffect(() => {
    source.start();
    return () => source.stop();
  }, [source]);
  useSyncExternalStore(source.subscribe, () => source.revision);
  return source;
}
