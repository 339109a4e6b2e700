import type { Layout } from "./layout.ts";
import { Database, type Unfinished, type Work } from "./database.ts";
import type { Operation, Outcome } from "./operations.ts";

/** The shortest time between two attempts to open a file that could not be used (ms). */
const reopenIntervalMs = 500;
/** SQLite's primary result codes of a file that is locked by another process, and of a full disk: the connection stays good. */
const passing = new Set([5, 6, 13]);

export type Answer = [id: number, outcome: Outcome];

/** A database that answers "unavailable" while its file cannot be used, and opens it again when it can. */
export class RecoveringDatabase {
  readonly #database: Database;
  /** Mass updates that go on in the next turn, by the id of their operation. */
  readonly #unfinished = new Map<number, Unfinished>();
  /** When it was closed after a failure, or opening it was tried again. */
  #closedAt = -Infinity;
  #reason = "it is closed";

  constructor(file: string, layout: Layout) {
    this.#database = new Database(file, layout);
  }

  /** Throws when the file cannot be used. */
  open(options: { create: boolean }): void {
    this.#database.open(options);
  }

  close(): void {
    this.#database.close();
  }

  get hasUnfinished(): boolean {
    return this.#unfinished.size > 0;
  }

  /** Runs new operations, with their ids, and one more turn of the unfinished ones. Never throws. */
  run(operations: [id: number, operation: Operation][]): Answer[] {
    const all: [number, Work][] = [...operations, ...this.#unfinished];
    this.#unfinished.clear();
    try {
      this.#reopen();
      const outcomes = this.#database.run(all.map(([, operation]) => operation));
      return all.flatMap(([id], n): Answer[] => {
        const outcome = outcomes[n]!;
        if (!("rowids" in outcome)) return [[id, outcome]];
        this.#unfinished.set(id, outcome);
        return [];
      });
    } catch (error) {
      const { message } = this.#failed(error as Error);
      return all.map(([id]) => [id, { failure: { type: "unavailable", message } }]);
    }
  }

  /** Never creates the file: a market whose volume is gone must not go on with an empty one. */
  #reopen(): void {
    if (this.#database.isOpen) return;
    if (performance.now() - this.#closedAt < reopenIntervalMs) throw new Error(this.#reason);
    this.#closedAt = performance.now();
    this.#database.open();
  }

  #failed(error: Error & { errcode?: number }): Error {
    this.#reason = error.message;
    const isPassing = error.errcode !== undefined && passing.has(error.errcode & 0xff);
    if (isPassing || !this.#database.isOpen) return error;
    this.#database.close();
    this.#closedAt = performance.now();
    return error;
  }
}
