/** Imported into a node before anything else: its clock goes wrong by CLOCK_MS. */
const shift = Number(process.env.CLOCK_MS);
const right = Date;

globalThis.Date = class extends right {
  constructor(...args: unknown[]) {
    super(...((args.length > 0 ? args : [right.now() + shift]) as [number]));
  }

  static override now(): number {
    return right.now() + shift;
  }
} as DateConstructor;
