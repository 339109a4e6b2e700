/** A wall clock for a child process that can jump. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";

export class ShiftedClock {
  readonly #folder = mkdtempSync(join(tmpdir(), "souk-clock-"));
  readonly #file = join(this.#folder, "ms");

  constructor() {
    this.#write(0);
  }

  /** The environment of the process. */
  readonly env = {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "../chaos/clock.ts")}`,
    CLOCK_FILE: this.#file,
  };

  /** Sets the clock `ms` ahead. Resolves when the process `pid`, if it runs, has this time. */
  async set(ms: number, pid?: number): Promise<void> {
    const seen = `${this.#file}.${pid}`;
    const isUnchanged = readFileSync(this.#file, "utf8") === String(ms);
    this.#write(ms);
    if (pid === undefined || isUnchanged) return;
    await eventually(() => existsSync(seen) && readFileSync(seen, "utf8") === String(ms), {
      within: 20_000,
      every: 10,
    });
  }

  #write(ms: number): void {
    writeFileSync(`${this.#file}.next`, String(ms));
    renameSync(`${this.#file}.next`, this.#file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
