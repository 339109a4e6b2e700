/** What a row of the benchmark measures, and what it found. */

/** Souk beside a reference, or against an absolute bound (then `against` says so). */
export interface Ratio {
  name: string;
  /** souk ÷ reference, a value per round. */
  values: number[];
  goal: { atLeast?: number; atMost?: number };
  against: string;
}

/** One figure of one contestant, a value per round; whether lower or higher is better, the row says. */
export interface Figure {
  who: string;
  what: string;
  unit: string;
  values: number[];
}

export interface Outcome {
  figures: Figure[];
  ratios: Ratio[];
  notes?: string[];
}

export interface Row {
  name: string;
  what: string;
  /** One of those that `npm run bench` runs without being told which. */
  isFirst?: boolean;
  run(): Promise<Outcome>;
}
