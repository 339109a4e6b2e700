import type { QuietHours } from "../contracts/channels.ts";

const day = 24 * 60;
const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

const formats = new Map<string, Intl.DateTimeFormat>();

/** Throws a RangeError when the zone is not known. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  formats.set(timeZone, format);
  return format;
}

/** Minutes since midnight on the wall. */
const wallMinutes = (now: Date, timeZone: string) => minutesOf(formatOf(timeZone).format(now));

const isWithin = (minute: number, from: number, to: number) =>
  from <= to ? minute >= from && minute < to : minute >= from || minute < to;

/**
 * The end of the quiet hours that `now` lies in; undefined when it lies in none, or the zone is not known. Summer time shortens or
 * lengthens a night: the end is the first minute that the wall's clock shows outside.
 */
export function quietUntil({ from, to, timeZone }: QuietHours, now: Date): Date | undefined {
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  try {
    if (!isWithin(wallMinutes(now, timeZone), begin, end)) return undefined;
    // By the wall's clock, as if it was not set meanwhile; then minute by minute from before the earliest change.
    const start = Math.floor(now.getTime() / 60_000);
    const straight = (end - wallMinutes(now, timeZone) + day) % day;
    // A clock is set by at most two hours.
    for (let minute = Math.max(1, straight - 120); minute <= straight + 120; minute++) {
      const at = new Date((start + minute) * 60_000);
      if (!isWithin(wallMinutes(at, timeZone), begin, end)) return at;
    }
    return undefined;
  } catch {
    return undefined;
  }
}
