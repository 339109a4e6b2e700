import { nextInstant } from "./inbox.ts";

/** `nextInstant` itself continues after instants that are up to this far ahead (ms). */
const toleratedMs = 1_000;
/** Instants that are further ahead than this (ms) are not followed: new rows would have wrong times for long. */
const followedMs = 7 * 24 * 3_600_000;

/**
 * The instants of rows that are listed with the newest first. They never go back, so that no new row is listed below older ones. While rows
 * are stored whose instants are in the future, because a clock was wrong, the instants continue from there at half speed, until the
 * clock has caught up. All times are in ms since 1970, `uptime` is a monotonic clock in ms.
 */
export class ArrivalClock {
  /** The latest instant of any row that is known. */
  #latest = 0;
  /** Where the instants continued from, and when. */
  #base = 0;
  #basedAt = 0;

  /** A row with this instant is stored. */
  observe(instant: number): void {
    if (instant > this.#latest) this.#latest = instant;
  }

  /** The time on this clock. */
  at(now: number, uptime: number): number {
    const continued = Math.floor(this.#base + (uptime - this.#basedAt) / 2);
    const time = isFollowed(continued, now) ? continued : now;
    if (this.#latest <= time + toleratedMs || !isFollowed(this.#latest, now)) return time;
    [this.#base, this.#basedAt] = [this.#latest, uptime];
    return this.#latest;
  }

  /** The instant of the next row. */
  next(now: number, uptime: number): number {
    const time = this.at(now, uptime);
    return (this.#latest = nextInstant(this.#latest, time));
  }
}

const isFollowed = (instant: number, now: number) => instant > now && instant <= now + followedMs;
