/** Lines on the screen, and only these: a log may have a million. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";

import type { Lines } from "./lines";
import { LEVELS } from "./lines";
import css from "./LogView.module.css";
import { LineText } from "./Row";

const HEIGHT = 20;
/** Closer to the end than this, people look at the end. */
const NEAR_END = 30;

export type RowsHandle = { show: (row: number) => void };

type Props = {
  ref: Ref<RowsHandle>;
  lines: Lines;
  shown: number[];
  wrap: boolean;
  follow: boolean;
  setFollow: (follow: boolean) => void;
  wanted: string;
  current: number;
  numbered: boolean;
};

function lineInAddress(): number {
  return Number(/^#L(\d{1,9})$/.exec(location.hash)?.[1] ?? 0);
}

export function Rows({ ref, lines, shown, wrap, follow, setFollow, wanted, current, numbered }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const [linked, setLinked] = useState(lineInAddress);
  const [isPlaced, setPlaced] = useState(false);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: () => HEIGHT,
    overscan: 20,
    getItemKey: (row) => shown[row]!,
  });
  useImperativeHandle(ref, () => ({ show: (row) => virtual.scrollToIndex(row, { align: "center" }) }), [virtual]);

  useEffect(() => {
    if (follow) virtual.scrollToIndex(shown.length - 1, { align: "end" });
  }, [follow, shown.length, wrap, virtual]);
  useEffect(() => {
    // the linked line may come with a later piece
    const row = linked > 0 && !isPlaced ? shown.indexOf(linked - 1) : -1;
    if (row < 0) return;
    virtual.scrollToIndex(row, { align: "center" });
    setPlaced(true);
  }, [linked, isPlaced, shown, virtual]);
  useEffect(() => virtual.measure(), [wrap, virtual]);

  function scrolled() {
    const box = frame.current!;
    const isUp = box.scrollTop < lastTop.current - 2;
    lastTop.current = box.scrollTop;
    if (follow && isUp && box.scrollHeight - box.scrollTop - box.clientHeight > NEAR_END) setFollow(false);
  }
  const digits = String(lines.text.length).length;
  return (
    <div ref={frame} className={css.rows} data-wrap={wrap} onScroll={scrolled} tabIndex={0} role="log" aria-label="Lines" aria-live="off" style={{ ["--digits" as string]: `${digits}ch` }}>
      <div style={{ height: virtual.getTotalSize(), position: "relative", minWidth: "100%", width: wrap ? "100%" : "max-content" }}>
        {virtual.getVirtualItems().map((item) => {
          const index = shown[item.index]!;
          return (
            <div
              key={item.key}
              ref={wrap ? virtual.measureElement : undefined}
              data-index={item.index}
              data-level={LEVELS[lines.levels[index]!]}
              data-linked={linked === index + 1}
              className={css.row}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <a
                className={css.number}
                href={`#L${index + 1}`}
                aria-label={`Link to line ${index + 1}`}
                tabIndex={-1}
                onClick={(event) => {
                  event.preventDefault();
                  history.replaceState(history.state, "", `#L${index + 1}`);
                  setLinked(index + 1);
                  setPlaced(true);
                  setFollow(false);
                }}
              >
                {numbered ? index + 1 : ""}
              </a>
              <span className={css.text}>
                <LineText line={lines.text[index]!} wanted={wanted} isCurrent={item.index === current} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
