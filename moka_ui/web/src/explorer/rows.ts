/** `j` and `k` walk over the links of a list; Enter then opens one as links do. */

import type { RefObject } from "react";

import { useShortcuts } from "../shell/shortcuts";

export function useRowKeys(list: RefObject<HTMLElement | null>): void {
  function step(by: number) {
    const links = [...(list.current?.querySelectorAll<HTMLElement>("a[href]") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = links[at === -1 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
  useShortcuts({ j: () => step(1), k: () => step(-1) });
}
