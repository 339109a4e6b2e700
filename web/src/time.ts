/** Times as a visitor reads them. Pure: the clock is in clock.ts. */

export interface TimeOptions {
  /** A BCP 47 tag. */
  locale?: string | undefined;
  /** By default the visitor's. */
  timeZone?: string | undefined;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** How far clocks are moved at the end of summer time (ms): an hour, in two places half an hour or two hours. */
const shifts = [hourMs / 2, hourMs, 2 * hourMs].flatMap((shift) => [shift, -shift]);

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, options: TimeOptions, fields: Intl.DateTimeFormatOptions): string {
  const { locale, timeZone } = options;
  const key = JSON.stringify([locale, timeZone, fields]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { ...fields, timeZone }));
  return formats.get(key)!.format(at);
}

const year = { year: "numeric" } as const;
const dayAndTime = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } as const;

/** "this minute" and "5 minutes ago" within an hour; then "26 Oct, 14:30", with the year when it is another. `at` and `now` are epoch milliseconds. */
export function timeText(at: number, now: number, options: TimeOptions = {}): string {
  const minutes = Math.floor((now - at) / minuteMs);
  if (minutes >= -1 && minutes < 60)
    return new Intl.RelativeTimeFormat(options.locale, { numeric: "auto" }).format(
      -Math.max(0, minutes),
      "minute",
    );
  const isOtherYear = format(at, options, year) !== format(now, options, year);
  return format(at, options, {
    ...(isOtherYear && year),
    ...dayAndTime,
    ...(isRepeated(at, options) && { timeZoneName: "short" }),
  });
}

/** Whether a clock on the wall shows this time twice, as it does at the end of summer time. */
function isRepeated(at: number, options: TimeOptions): boolean {
  const wall = (time: number) => format(time, options, { ...year, ...dayAndTime });
  return shifts.some((shift) => wall(at + shift) === wall(at));
}

/** With the weekday, the seconds and the time zone. */
export const fullTimeText = (at: number, options: TimeOptions = {}): string =>
  format(at, options, { dateStyle: "full", timeStyle: "long" });
