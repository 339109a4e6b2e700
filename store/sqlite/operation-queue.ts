import { encode, type Failure, type Operation } from "./operations.ts";

/** The text that is sent to the databases' thread, and the promise's functions. */
interface Pending {
  text: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** An outcome whose result is parsed. */
type Parsed = { result: unknown } | { failure: Failure };

/** Operations of one transaction. */
const maxBatch = 200;

/** The operations of one database: those that wait, and those that the thread has. One batch at a time. */
export class OperationQueue {
  #waiting: Pending[] = [];
  /** By the operation's id. */
  readonly #sent = new Map<number, Pending>();
  #isBatchOut = false;
  #nextId = 0;
  /** Present while somebody waits for the queue to be idle. */
  #idle: PromiseWithResolvers<undefined> | undefined;

  /** Resolves with the operation's result. Rejects with the error that settles it, or with `late()` after `timeoutMs`. */
  add<Result>(operation: Operation, timeoutMs: number, late: () => Error): Promise<Result> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        // The text is made now: the caller may change its objects.
        text: encode(operation),
        resolve: (result) => (clearTimeout(timer), resolve(result as Result)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one !== pending);
        reject(late());
      }, timeoutMs);
      this.#waiting.push(pending);
    });
  }

  /** The next batch, unless one is out or none waits. What arrives meanwhile shares the following one. */
  take(): { firstId: number; operations: string[] } | undefined {
    if (this.#isBatchOut || this.#waiting.length === 0) return undefined;
    this.#isBatchOut = true;
    const batch = this.#waiting.splice(0, maxBatch);
    const firstId = this.#nextId;
    this.#nextId += batch.length;
    batch.forEach((pending, n) => this.#sent.set(firstId + n, pending));
    return { firstId, operations: batch.map(({ text }) => text) };
  }

  /** Settles operations by the text of the thread's answers. `toError` makes the error of a failure. */
  settle(answers: string, isBatchDone: boolean, toError: (failure: Failure) => Error): void {
    if (isBatchDone) this.#isBatchOut = false;
    for (const [id, outcome] of JSON.parse(answers) as [number, Parsed][]) {
      const pending = this.#sent.get(id);
      this.#sent.delete(id);
      if ("failure" in outcome) pending?.reject(toError(outcome.failure));
      else pending?.resolve(outcome.result);
    }
    this.#reportIdle();
  }

  rejectAll(error: () => Error): void {
    const all = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    this.#isBatchOut = false;
    for (const { reject } of all) reject(error());
    this.#reportIdle();
  }

  /** Resolves when no operation waits or runs. */
  async whenIdle(): Promise<void> {
    if (this.#isIdle) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #reportIdle(): void {
    if (!this.#isIdle) return;
    this.#idle?.resolve(undefined);
    this.#idle = undefined;
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#sent.size === 0;
  }
}
