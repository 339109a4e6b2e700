/** Counts by key how many there are at this moment. A key whose count is 0 takes no memory. */
export class Counter {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** All counts, as if none were larger than `cap`. */
  sumUpTo(cap: number): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += Math.min(count, cap);
    return sum;
  }

  /** Returns the new count. */
  increment(key: string): number {
    const count = this.get(key) + 1;
    this.#counts.set(key, count);
    return count;
  }

  decrement(key: string): void {
    const count = this.get(key) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
