/** Lines alike that are logged in one minute. */
const maxAlike = 10;
/** All lines of a minute. The rest of a hundred is for the summaries. */
const maxLines = 90;
/** Summaries of a minute, the most frequent lines first. */
const maxSummaries = 10;
/** Kinds of lines that are told apart. Only a mistake in the program makes more. */
const maxKinds = 1_000;

/** Lines that differ in ids, numbers and paths only are alike: a flood of requests causes few kinds of lines, however it varies. */
const kindOf = (line: string) =>
  line
    .slice(0, 200)
    .split(" ")
    .map((word) => (/[\d/]/.test(word) ? "#" : word))
    .join(" ");

/** Bounds the lines that a log gets in one minute, and counts those that it does not get. */
export class LineLimiter {
  #lines = 0;
  #kinds = new Map<string, { count: number; shown: number; example: string }>();

  /** Whether the line is logged. The first of each kind has precedence over repetitions. */
  admit(line: string): boolean {
    const key = kindOf(line);
    let kind = this.#kinds.get(key);
    if (!kind) {
      kind = { count: 0, shown: 0, example: line };
      if (this.#kinds.size < maxKinds) this.#kinds.set(key, kind);
    }
    kind.count++;
    const limit = kind.shown === 0 ? maxLines : (maxLines * 2) / 3;
    if (kind.shown === maxAlike || this.#lines >= limit) return false;
    kind.shown++;
    this.#lines++;
    return true;
  }

  /** Ends the minute. Returns a line for each kind of which lines were not logged. */
  endMinute(): string[] {
    const omitted = [...this.#kinds.values()]
      .map(({ count, shown, example }) => ({ missing: count - shown, example }))
      .filter(({ missing }) => missing > 0)
      .sort((a, b) => b.missing - a.missing);
    this.#lines = 0;
    this.#kinds.clear();
    return omitted
      .slice(0, maxSummaries)
      .map(
        ({ missing, example }) =>
          `${missing} more lines in the last minute were like this one: ${example}`,
      );
  }
}
