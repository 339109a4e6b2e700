import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { loadNote, rounds, stopAll } from "../support/rounds.ts";
import { sellAll, type Guarantees } from "../support/sales.ts";
import {
  bare,
  byHand,
  copyIndexes,
  souk,
  stock,
  withoutOutbox,
  type System,
} from "../support/systems.ts";

const count = 3_000;
/** The stock system sells about 20 items per second, so it gets fewer. */
const stockCount = 48;

export default {
  name: "buys",
  description:
    "sustained buys/s of a cluster at 64 connections, until every notice is stored and delivered",
  isDefault: true,

  async run(): Promise<Outcome> {
    const [ours, floor, expert, defaults] = [
      await souk(),
      await bare(),
      await byHand(),
      await stock(),
    ];
    const guarantees = new Map<System, Guarantees>([
      [ours, { storesNotices: true, hasOutbox: true }],
      [floor, { storesNotices: false, hasOutbox: false }],
      [expert, { storesNotices: true, hasOutbox: true }],
      [defaults, { storesNotices: true, hasOutbox: false }],
    ]);
    const systems = [...guarantees.keys()];
    try {
      await copyIndexes(ours, expert);
      for (const other of [floor, defaults]) await copyIndexes(ours, other, withoutOutbox);

      const countOf = (system: System, round: number) =>
        system === defaults ? stockCount : round === 0 ? count / 3 : count;
      const measured = await rounds(systems, (system, round) =>
        sellAll(
          system,
          `round-${round}`,
          { count: countOf(system, round), connections: 64 },
          guarantees.get(system)!,
        ),
      );

      const rates = (system: System) =>
        measured.get(system)!.map(({ untilDelivered }) => countOf(system, 1) / untilDelivered);
      const ratio = (against: System, atLeast: number) => ({
        name: "buys/s",
        against: against.name,
        values: dividedBy(rates(ours), rates(against)),
        goal: { atLeast },
      });
      return {
        figures: systems.map((system) => ({
          system: system.name,
          metric: "buys",
          unit: "1/s",
          values: rates(system),
        })),
        ratios: [ratio(floor, 0.5), ratio(expert, 1.3)],
        notes: [
          `${count} buys a round (stock: ${stockCount}), each of a different item. Every response had status 200, and as many items were sold, notices stored and outbox entries delivered.`,
          "Bare stores no notices and has no outbox; stock stores notices and has no outbox. All have the indexes that Souk's lists need.",
          loadNote(measured),
        ],
      };
    } finally {
      await stopAll(systems);
    }
  },
} satisfies Row;
