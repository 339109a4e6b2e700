/** What every view is made of. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { parts } from "../outages.ts";
import { place } from "../router.ts";
import { sentenceOf } from "../item-cache.ts";
import { useStore } from "../state.ts";
import { say } from "../voice.ts";

/** The view's heading, the window's title, and what a screen reader says on arrival. */
export function Title({
  children,
  named = `${children} · Souk`,
  hidden = false,
}: {
  children: string;
  named?: string;
  hidden?: boolean;
}) {
  useLayoutEffect(() => {
    document.title = named;
    if (place.get().key !== firstKey) say(children);
  }, [children, named]);
  return (
    <h1
      class={hidden ? "unseen" : children.length > longTitle ? "title is-long" : "title"}
      dir="auto"
    >
      {children}
    </h1>
  );
}
const firstKey = place.get().key;
/** Characters: more of them are set smaller, so that a title leaves room for what it names. */
const longTitle = 70;

export const Icon = ({ name }: { name: keyof typeof icons }) => (
  <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
    <path
      d={icons[name]}
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);

const icons = {
  market:
    "M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0ZM10 20v-5a2 2 0 0 1 4 0v5",
  sell: "M4 12V5a1 1 0 0 1 1-1h7l8.5 8.5a1.5 1.5 0 0 1 0 2.1l-5.9 5.9a1.5 1.5 0 0 1-2.1 0ZM8.2 8.2h.01",
  sales: "M6 3h12v18l-3-2-3 2-3-2-3 2ZM9.5 8h5M9.5 12h5",
  purchases: "M5 8h14l1 13H4ZM8.5 11V7a3.5 3.5 0 0 1 7 0v4",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15ZM10 21h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20.5 20.5",
  close: "M6 6l12 12M18 6 6 18",
  check: "M4.5 12.5 10 18 20 6.5",
  back: "M14.5 5.5 8 12l6.5 6.5",
};

export const Star = () => (
  <svg
    class="star"
    viewBox="-12 -12 24 24"
    width="24"
    height="24"
    aria-hidden="true"
    focusable="false"
  >
    <path
      d="M0-11 3.2-7.8H7.8V-3.2L11 0 7.8 3.2V7.8H3.2L0 11-3.2 7.8H-7.8V3.2L-11 0-7.8-3.2V-7.8H-3.2Z"
      fill="currentColor"
    />
    <path
      d="M0-6.8 2-4.8H4.8V-2L6.8 0 4.8 2V4.8H2L0 6.8-2 4.8H-4.8V2L-6.8 0-4.8-2V-4.8H-2Z"
      class="star-inside"
    />
  </svg>
);

/** Nothing to show, or nothing that can be shown. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Star />
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What failed, and a way on; it also goes on by itself, once the part that was away is back. */
export function Failed({ error, again }: { error: unknown; again: () => void }) {
  const { away } = useStore(parts);
  return (
    <div class="empty" role="alert">
      <Star />
      <p class="empty-title">
        {away.includes("shop") ? "The shop does not answer." : sentenceOf(error)}
      </p>
      {away.length > 0 && <p>This comes back by itself.</p>}
      <button type="button" class="button is-quiet" onClick={again}>
        Try again
      </button>
    </div>
  );
}

const moments = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function Moment({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={exactly.format(date)}>
      {moments.format(date)}
    </time>
  );
}

/** Loads more when it comes into sight, and when it is pressed. */
export function More({ isLoading, more }: { isLoading: boolean; more: () => void }) {
  return (
    <p class="more">
      <button
        type="button"
        class="button is-quiet"
        aria-disabled={isLoading}
        onClick={() => !isLoading && more()}
      >
        {isLoading ? "Loading…" : "Show more"}
      </button>
    </p>
  );
}
