import type { ServiceBroker } from "moleculer";
import { clockSkews } from "../../edge/clock-skew.ts";

const broker = (skewMs: number, offsets: Record<string, number>) =>
  ({
    getLocalService: () => ({ store: { skew: () => skewMs } }),
    transit: { tx: { clockOffsets: () => offsets } },
  }) as unknown as ServiceBroker;

it("shows how far a node's clock is ahead of its database and of other nodes", () => {
  const skewed = broker(10_800_000.4, { "market-2": -10_800_000, "api-1": 300 });

  expect(clockSkews(skewed, ["market"])).toEqual({
    "database of market": 10_800_000,
    "node market-2": 10_800_000,
  });
});

it("shows nothing of clocks that agree within 2 s", () => {
  expect(clockSkews(broker(-1_900, { "market-2": 1_900 }), ["market"])).toEqual({});
});

it("shows nothing of an embedded market", () => {
  const embedded = { getLocalService: () => undefined } as unknown as ServiceBroker;

  expect(clockSkews(embedded, ["market"])).toEqual({});
});
