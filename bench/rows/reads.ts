import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { loadNote, rounds, stopAll } from "../support/rounds.ts";
import { insertItems, itemSet } from "../support/sales.ts";
import { bare, copyIndexes, souk, withoutOutbox, type System } from "../support/systems.ts";

const count = 4_000;
const load = { method: "GET" as const, path: "/market/items", count, connections: 64, tokens: [] };

export default {
  name: "reads",
  description: "GET /market/items, responses/s of a cluster at 64 connections",
  isDefault: true,

  async run(): Promise<Outcome> {
    const [ours, floor] = [await souk(), await bare()];
    try {
      await copyIndexes(ours, floor, withoutOutbox);
      for (const system of [ours, floor]) await insertItems(system, itemSet("shown", 2_000));

      const measured = await rounds([ours, floor], ({ api }) => runClosedLoop({ api, ...load }));

      const rates = (system: System) => measured.get(system)!.map(({ seconds }) => count / seconds);
      return {
        figures: [ours, floor].map((system) => ({
          system: system.name,
          metric: "responses",
          unit: "1/s",
          values: rates(system),
        })),
        ratios: [
          {
            name: "responses/s",
            against: floor.name,
            values: dividedBy(rates(ours), rates(floor)),
            goal: { atLeast: 0.6 },
          },
        ],
        notes: [
          `${count} requests a round for the newest 20 of 2,000 items; every response had status 200.`,
          loadNote(measured),
        ],
      };
    } finally {
      await stopAll([ours, floor]);
    }
  },
} satisfies Row;
