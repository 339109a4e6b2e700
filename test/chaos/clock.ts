/** Preloaded into a node: shifts its wall clock by the milliseconds in CLOCK_FILE, which may change at any time. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env.CLOCK_FILE!;
const RealDate = Date;
let offset = 0;

function read(): void {
  const text = readFileSync(file, "utf8");
  if (Number(text) === offset) return;
  offset = Number(text);
  if (!isMainThread) return;
  // Acknowledges the jump.
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, `${file}.${process.pid}`);
}

read();
setInterval(read, 20).unref();

globalThis.Date = class extends RealDate {
  constructor(...args: unknown[]) {
    super(...((args.length > 0 ? args : [RealDate.now() + offset]) as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
} as DateConstructor;
