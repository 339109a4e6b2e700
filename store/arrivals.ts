import { ArrivalClock } from "../domain/arrival-clock.ts";
import type { Store } from "./store.ts";

/** How often the newest row is read (ms): another node, or this process before a restart, may have stored it with a wrong clock. */
const readEveryMs = 5_000;

/** The instants of new rows of a collection with an index on `createdAt` and `_id`. See ArrivalClock. */
export class Arrivals {
  readonly #store: Store<{ _id: string; createdAt: string }>;
  readonly #clock = new ArrivalClock();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store<{ _id: string; createdAt: string }>) {
    this.#store = store;
  }

  /** Reads the newest row, and again at intervals. Resolves after the first attempt. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#readNewest(), readEveryMs).unref();
    await this.#readNewest();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Another node has stored a row. */
  observe(createdAt: string): void {
    this.#clock.observe(Date.parse(createdAt));
  }

  /** The time to which new rows have come (ms since 1970). */
  now(): number {
    return this.#clock.at(this.#store.now().getTime(), performance.now());
  }

  /** The instant of a new row. */
  next(): Date {
    return new Date(this.#clock.next(this.#store.now().getTime(), performance.now()));
  }

  /** While the database is unavailable, nothing can be stored either. */
  async #readNewest(): Promise<void> {
    const newest = { sort: { createdAt: -1, _id: -1 }, limit: 1 } as const;
    const [row] = await this.#store.find({}, newest).catch(() => []);
    if (row) this.observe(row.createdAt);
  }
}
