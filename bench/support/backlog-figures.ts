/** What both rows of a backlog report, of a cluster and of an embedded market. */
import { median } from "../report.ts";
import type { Outcome } from "../row.ts";

export interface Round {
  /** Per second. */
  sold: number;
  delivered: number;
}

/** `without`: buys per second without a backlog. */
export function backlogFigures(
  system: string,
  without: number[],
  rounds: Round[],
): Pick<Outcome, "figures" | "ratios"> {
  const [sold, delivered] = [
    rounds.map((round) => round.sold),
    rounds.map((round) => round.delivered),
  ];
  const figure = (metric: string, values: number[]) => ({
    system,
    metric,
    unit: "1/s",
    values,
  });
  return {
    figures: [
      figure("buys without a backlog", without),
      figure("buys during the backlog", sold),
      figure("entries delivered during the backlog", delivered),
    ],
    ratios: [
      {
        name: "buys/s during the backlog",
        against: `${system} without a backlog`,
        values: sold.map((rate) => rate / median(without)),
        goal: { atLeast: 0.7 },
      },
      {
        name: "entries delivered/s",
        against: "buys/s during the backlog",
        values: delivered.map((rate, n) => rate / sold[n]!),
        goal: { atLeast: 2 },
      },
    ],
  };
}
