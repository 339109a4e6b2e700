import { dividedBy } from "../report.ts";
import type { Outcome, Ratio, Row } from "../row.ts";
import {
  olderSouk,
  referenceEmbedded,
  sellAllEmbedded,
  soukEmbedded,
  withItems,
  type EmbeddedSystem,
} from "../support/embedded.ts";
import { loadNote, rounds, stopAll } from "../support/rounds.ts";
import { itemSet } from "../support/sales.ts";

const count = 5_000;
/** A transaction for each write is so slow that fewer sales show it. */
const byHandCount = 1_000;
/** The folder of another checkout with its node_modules, of the time of NeDB. It is measured in the same rounds. */
const { OLDER_TREE } = process.env;

export default {
  name: "embedded",
  description:
    "buys/s of the market in one process over files at 64 connections, until every notice is stored and delivered",
  isDefault: true,

  async run(): Promise<Outcome> {
    const sets = Array.from({ length: 6 }, (_, round) => itemSet(`round-${round}`, count));
    const ours = await soukEmbedded(withItems(sets));
    const byHand = await referenceEmbedded(sets);
    const grouped = await referenceEmbedded(sets, { isGrouped: true });
    const older = OLDER_TREE ? [await olderSouk(OLDER_TREE, sets)] : [];
    const systems = [ours, byHand, grouped, ...older];
    try {
      const countOf = (system: EmbeddedSystem) => (system === byHand ? byHandCount : count);
      const measured = await rounds(systems, (system, round) =>
        sellAllEmbedded(system, `round-${round}`, { ...sets[round]!, count: countOf(system) }),
      );

      const rates = (system: EmbeddedSystem) =>
        measured.get(system)!.map(({ untilDelivered }) => countOf(system) / untilDelivered);
      const against = (other: EmbeddedSystem, goal: Ratio["goal"]) => ({
        name: "buys/s",
        against: other.name,
        values: dividedBy(rates(ours), rates(other)),
        goal,
      });
      return {
        figures: systems.map((system) => ({
          system: system.name,
          metric: "buys",
          unit: "1/s",
          values: rates(system),
        })),
        ratios: [
          against(byHand, { atLeast: 0.8 }),
          against(grouped, { atLeast: 0.8 }),
          ...older.map((system) => against(system, { atLeast: 0.8 })),
        ],
        notes: [
          `${count} buys a round (${byHand.name}: ${byHandCount}), each of a different item. Every response had status 200, and the files show as many outbox entries delivered and notices stored.`,
          "Souk and the references commit each write with an fsync before they acknowledge it. The reference runs SQLite on the main thread, each write a transaction of its own; with group commit, the writes of one turn of the event loop share one. All have indexes for the same lists.",
          ...older.map(
            ({ name }) =>
              `${name} (the checkout at OLDER_TREE) does not sync: it acknowledges writes that a power cut would lose. The difference includes the price of durability.`,
          ),
          loadNote(measured),
        ],
      };
    } finally {
      await stopAll(systems);
    }
  },
} satisfies Row;
