/** Preloaded into a node: shifts its clock by CLOCK_MS. */
const offset = Number(process.env.CLOCK_MS);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args: unknown[]) {
    super(...((args.length > 0 ? args : [RealDate.now() + offset]) as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
} as DateConstructor;
