import { EventEmitter } from "node:events";
import { expect, it } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { FailureDetector } from "../../broker/amqp/failure-detector.ts";

it("takes a message for as old as it may be: a clock was read with an error of half the time its answer took", () => {
  const { neighbours, pong } = setUp();

  pong({ elapsedTime: 80, timeDiff: 1000 });

  expect(ageOf(neighbours, Date.now() - 1000 - 10)).toBeGreaterThanOrEqual(10 + 80 / 2);
});

it("believes the quickest answer about a clock, and another one as soon as that is as sure", () => {
  const { neighbours, pong } = setUp();

  pong({ elapsedTime: 2, timeDiff: 0 });
  pong({ elapsedTime: 400, timeDiff: 200 });
  expect(ageOf(neighbours, Date.now())).toBeLessThan(100);

  pong({ elapsedTime: 2, timeDiff: -5000 });
  expect(ageOf(neighbours, Date.now())).toBeGreaterThanOrEqual(5000);
});

it("says nothing of the age of what an unknown node sent", () => {
  expect(setUp().neighbours.atMostSince("b", Date.now())).toBeUndefined();
});

const ageOf = (neighbours: FailureDetector, sentAt: number): number =>
  neighbours.atMostSince("b", sentAt)!;

function setUp() {
  const localBus = new EventEmitter();
  const registry = { nodes: { toArray: () => [{ id: "b", available: true, local: false }] } };
  const neighbours = new FailureDetector(
    { localBus, registry } as unknown as ServiceBroker,
    () => null,
  );
  return {
    neighbours,
    pong: (of: { elapsedTime: number; timeDiff: number }) =>
      localBus.emit("$node.pong", { nodeID: "b", ...of }),
  };
}
