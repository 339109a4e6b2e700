/** A list of thousands of rows of one height, of which only those in sight are in the document. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface WindowProps<T> {
  rows: readonly T[];
  keyOf(row: T): string;
  children(row: T): ComponentChildren;
  label: string;
}

/** Rows beyond the edges of the screen, so that scrolling and tabbing find them there. */
const beyond = 8;

export function Window<T>({ rows, keyOf, children, label }: WindowProps<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [height, setHeight] = useState(84);
  const [first, setFirst] = useState(0);
  const [shown, setShown] = useState(30);

  useLayoutEffect(() => {
    // The height is the style's to say: it grows with the visitor's letters.
    const look = () => {
      const { top } = list.current!.getBoundingClientRect();
      const row = list.current!.firstElementChild?.getBoundingClientRect().height || height;
      setHeight(row);
      setFirst(Math.max(0, Math.floor(-top / row) - beyond));
      setShown(Math.ceil(innerHeight / row) + 2 * beyond);
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, []);

  // When a list becomes shorter than where it was scrolled to.
  const from = Math.min(first, Math.max(0, rows.length - shown));
  useEffect(() => setFirst(from), [from]);
  return (
    <ul
      ref={list}
      class="rows is-window"
      aria-label={label}
      style={{ height: `${rows.length * height}px` }}
    >
      {rows.slice(from, from + shown).map((row, n) => (
        <li
          key={keyOf(row)}
          class="row"
          aria-setsize={rows.length}
          aria-posinset={from + n + 1}
          style={{ top: `${(from + n) * height}px` }}
        >
          {children(row)}
        </li>
      ))}
    </ul>
  );
}
