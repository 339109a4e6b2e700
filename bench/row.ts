/** What a row of the benchmark measures, and its result. */

/** Souk compared with a reference system, or with an absolute limit (`against` names it). */
export interface Ratio {
  name: string;
  /** Souk's value divided by the reference's, one per round. */
  values: number[];
  goal: { atLeast?: number; atMost?: number };
  against: string;
}

/** One metric of one system, with one value per round. */
export interface Figure {
  system: string;
  metric: string;
  unit: string;
  values: number[];
}

export interface Outcome {
  figures: Figure[];
  ratios: Ratio[];
  notes?: string[];
}

export interface Row {
  /** The argument of `npm run bench -- NAME`. */
  name: string;
  description: string;
  /** Whether `npm run bench` without arguments runs this row. */
  isDefault?: boolean;
  run(): Promise<Outcome>;
}
