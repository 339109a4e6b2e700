/**
 * Fair queueing: at most `limit` calls run, the rest wait in one queue per network, and the networks take turns. A network
 * with one call is served next, however many calls another one has waiting.
 */
export class FairQueue {
  #running = 0;
  /** The networks in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Resolves when the call may run; undefined when it may run at once. Every call that may run must `leave`. */
  enter(network: string, limit: number): Promise<void> | undefined {
    if (this.#running < limit && this.#waiting.size === 0) {
      this.#running++;
      return undefined;
    }
    return new Promise((resolve) => {
      const queue = this.#waiting.get(network);
      if (queue) queue.push(resolve);
      else this.#waiting.set(network, [resolve]);
      // Nodes may have been added since the last call ended.
      this.#runNext(limit);
    });
  }

  /** One call has ended. */
  leave(limit: number): void {
    this.#running--;
    this.#runNext(limit);
  }

  #runNext(limit: number): void {
    while (this.#running < limit && this.#waiting.size > 0) {
      const [network, queue] = this.#waiting.entries().next().value!;
      this.#waiting.delete(network);
      const run = queue.shift()!;
      if (queue.length > 0) this.#waiting.set(network, queue);
      this.#running++;
      run();
    }
  }
}
