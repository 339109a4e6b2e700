import { useEffect, useRef, useState } from "preact/hooks";
import { now, onTick } from "../clock.ts";
import { locale } from "../texts.ts";
import { fullTimeText, timeText } from "../time.ts";

/** `at` is an ISO 8601 time. The text stays right while the page is open. */
export function Time({ at }: { at: string }) {
  const date = Date.parse(at);
  const text = timeText(date, now(), { locale });
  const shown = useRef(text);
  shown.current = text;
  const [, update] = useState(0);
  // Renders again only when the text has changed.
  useEffect(
    () =>
      onTick(
        () => timeText(date, now(), { locale }) !== shown.current && update((count) => count + 1),
      ),
    [date],
  );
  return (
    <time dateTime={at} title={fullTimeText(date, { locale })}>
      {text}
    </time>
  );
}
