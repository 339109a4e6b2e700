import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface VirtualListProps<T> {
  rows: readonly T[];
  keyOf(row: T): string;
  children(row: T): ComponentChildren;
  label: string;
}

/** Rows that are rendered above and below the screen, for scrolling and for the Tab key. */
const overscan = 8;

/** A list with rows of equal height. Only the rows on the screen are in the document, so it can have thousands. */
export function VirtualList<T>({ rows, keyOf, children, label }: VirtualListProps<T>) {
  const list = useRef<HTMLUListElement>(null);
  const { height, first, count } = useVisibleRows(list);
  // The list may have become shorter than the scroll position.
  const start = Math.min(first, Math.max(0, rows.length - count));
  return (
    <ul
      ref={list}
      class="rows is-virtual"
      aria-label={label}
      style={{ height: `${rows.length * height}px` }}
    >
      {rows.slice(start, start + count).map((row, n) => (
        <li
          key={keyOf(row)}
          class="row"
          aria-setsize={rows.length}
          aria-posinset={start + n + 1}
          style={{ top: `${(start + n) * height}px` }}
        >
          {children(row)}
        </li>
      ))}
    </ul>
  );
}

/** The height of a row in pixels, and the range of rows to render. */
function useVisibleRows(list: { current: HTMLUListElement | null }) {
  const [range, setRange] = useState({ height: 84, first: 0, count: 30 });
  useLayoutEffect(() => {
    const measure = () => {
      const { top } = list.current!.getBoundingClientRect();
      // The stylesheet decides the height, which grows with the visitor's font size.
      const row = list.current!.firstElementChild?.getBoundingClientRect().height;
      setRange((before) => {
        const height = row || before.height;
        const first = Math.max(0, Math.floor(-top / height) - overscan);
        const count = Math.ceil(innerHeight / height) + 2 * overscan;
        const isSame = height === before.height && first === before.first && count === before.count;
        return isSame ? before : { height, first, count };
      });
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, []);
  return range;
}
