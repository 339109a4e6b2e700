import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import {
  referenceEmbedded,
  sellAllEmbedded,
  soukEmbedded,
  type EmbeddedSystem,
} from "../support/embedded.ts";
import { loadNote, rounds, stopAll } from "../support/rounds.ts";
import { itemSet } from "../support/sales.ts";

const count = 5_000;

export default {
  name: "embedded",
  description:
    "buys/s of the market in one process over files at 64 connections, until every notice is stored and delivered",
  isDefault: true,

  async run(): Promise<Outcome> {
    const sets = Array.from({ length: 6 }, (_, round) => itemSet(`round-${round}`, count));
    const [ours, reference] = [await soukEmbedded(sets), await referenceEmbedded(sets)];
    try {
      const measured = await rounds([ours, reference], (system, round) =>
        sellAllEmbedded(system, `round-${round}`, sets[round]!),
      );

      const rates = (system: EmbeddedSystem) =>
        measured.get(system)!.map(({ untilDelivered }) => count / untilDelivered);
      return {
        figures: [ours, reference].map((system) => ({
          system: system.name,
          metric: "buys",
          unit: "1/s",
          values: rates(system),
        })),
        ratios: [
          {
            name: "buys/s",
            against: reference.name,
            values: dividedBy(rates(ours), rates(reference)),
            goal: { atLeast: 0.6 },
          },
        ],
        notes: [
          `${count} buys a round, each of a different item. Every response had status 200, and the files show as many outbox entries delivered and notices stored.`,
          "The reference has indexes for its relay and its inboxes only; Souk also has those of its lists.",
          loadNote(measured),
        ],
      };
    } finally {
      await stopAll([ours, reference]);
    }
  },
} satisfies Row;
