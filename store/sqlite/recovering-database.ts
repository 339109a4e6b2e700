import type { Layout } from "./layout.ts";
import { Database } from "./database.ts";
import { UnfitFile, type Known } from "./file.ts";
import { isRead, isSearch, type Unfinished, type Work } from "./turn.ts";
import type { Failure, Operation, Outcome } from "./operations.ts";

/** The shortest time between two attempts to open a file that could not be used (ms). */
const reopenIntervalMs = 500;
/** SQLite's primary result codes of a file that another process holds. */
const lockedCodes = new Set([5, 6]);
const fullCode = 13;

export type Answer = [id: number, outcome: Outcome];

/** A database that answers "unavailable" while its file cannot be used, and opens it again when it can. */
export class RecoveringDatabase {
  readonly #database: Database;
  /** Mass updates and searches that go on in a later turn, by the id of their operation. */
  readonly #unfinished = new Map<number, Unfinished>();
  #failedAt = -Infinity;
  #failure: Failure = { type: "unavailable", message: "it is closed" };
  /** Another process held the file: an open connection waits for it, but not with each operation. */
  #isLocked = false;

  constructor(file: string, layout: Layout) {
    this.#database = new Database(file, layout);
  }

  /** Throws when the file cannot be used. Returns its identity (Database.open). */
  open(known?: Known): string {
    return this.#database.open(known);
  }

  close(): void {
    this.#database.end();
  }

  get hasUnfinished(): boolean {
    return this.#unfinished.size > 0;
  }

  /** Runs new operations, with their ids, and one more turn of the unfinished ones. Never throws. */
  run(operations: [id: number, operation: Operation][]): Answer[] {
    const all: [number, Work][] = [...operations, ...this.#takeUnfinished()];
    if (!this.#isPaused()) {
      this.#isLocked = false;
      return this.#attempt(all);
    }
    // Another process that writes the file does not hinder reading.
    const reads = this.#database.isOpen ? all.filter(([, operation]) => isRead(operation)) : [];
    const rest = all.filter((one) => !reads.includes(one));
    return [...this.#attempt(reads), ...refused(rest, this.#failure)];
  }

  /** The mass updates, and one search: however many there are, other operations wait for one turn of one. */
  #takeUnfinished(): [number, Unfinished][] {
    const all = [...this.#unfinished];
    const [first, ...rest] = all.filter(([, work]) => isSearch(work));
    const taken = [...all.filter(([, work]) => !isSearch(work)), ...(first ? [first] : [])];
    this.#unfinished.clear();
    // The one that was taken comes last when it goes on.
    for (const [id, search] of rest) this.#unfinished.set(id, search);
    return taken;
  }

  #attempt(all: [number, Work][]): Answer[] {
    if (all.length === 0) return [];
    try {
      // Never creates the file: a market whose volume is gone must not go on with an empty one.
      if (!this.#database.isOpen) this.#database.open();
      const outcomes = this.#database.run(all.map(([, operation]) => operation));
      return all.flatMap(([id], n): Answer[] => {
        const outcome = outcomes[n]!;
        if ("result" in outcome || "failure" in outcome) return [[id, outcome]];
        this.#unfinished.set(id, outcome);
        return [];
      });
    } catch (error) {
      const failure = this.#fail(error as Error);
      const reads = all.filter(([, work]) => isRead(work));
      if (!isFull(error) || reads.length === 0 || reads.length === all.length)
        return refused(all, failure);
      // Reading goes on while the disk is full.
      const rest = all.filter((one) => !reads.includes(one));
      return [...this.#attempt(reads), ...refused(rest, failure)];
    }
  }

  #isPaused(): boolean {
    const isUsable = this.#database.isOpen && !this.#isLocked;
    return !isUsable && performance.now() - this.#failedAt < reopenIntervalMs;
  }

  #fail(error: Error): Failure {
    const isReplaced = error instanceof UnfitFile && error.kind === "replaced";
    const failure: Failure = {
      ...{ type: "unavailable", message: error.message },
      ...(isReplaced && { needsRestart: true }),
    };
    // The connection stays good: space may be there for the next operation.
    if (isFull(error)) return failure;
    this.#isLocked = lockedCodes.has(codeOf(error));
    if (!this.#isLocked) this.#database.close();
    this.#failedAt = performance.now();
    return (this.#failure = failure);
  }
}

const codeOf = (error: unknown) => ((error as { errcode?: number }).errcode ?? 0) & 0xff;
const isFull = (error: unknown) => codeOf(error) === fullCode;

export const refused = (all: [number, Work][], failure: Failure) =>
  all.map(([id]): Answer => [id, { failure }]);
