/** Which attempt is looked at; nothing to choose while there is one. */

import { useNavigate } from "@tanstack/react-router";

import type { Attempt } from "../generated";
import { Select } from "../kit";

export function AttemptChoice({ attempts, number }: { attempts: Attempt[]; number: number }) {
  const navigate = useNavigate({ from: "/jobs/$jobId" });
  if (attempts.length < 2) return null;
  return (
    <Select
      size="xs"
      w={120}
      aria-label="Attempt"
      allowDeselect={false}
      data={attempts.map((each) => ({ value: String(each.number), label: `Attempt ${each.number}` }))}
      value={String(number)}
      onChange={(value) =>
        void navigate({ search: (old) => ({ ...old, attempt: Number(value) }), replace: true, resetScroll: false })
      }
    />
  );
}
