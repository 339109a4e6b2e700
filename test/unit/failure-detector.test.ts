import { EventEmitter } from "node:events";
import { expect, it } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { FailureDetector } from "../../broker/amqp/failure-detector.ts";

it("adds half the round-trip time, the error of a clock's measurement, to the age of a message", () => {
  const { detector, pong } = setUp();

  pong({ elapsedTime: 80, timeDiff: 1000 });

  expect(ageOf(detector, Date.now() - 1000 - 10)).toBeGreaterThanOrEqual(10 + 80 / 2);
});

it("keeps the most precise measurement of a clock, and replaces it by one that is as precise", () => {
  const { detector, pong } = setUp();

  pong({ elapsedTime: 2, timeDiff: 0 });
  pong({ elapsedTime: 400, timeDiff: 200 });
  expect(ageOf(detector, Date.now())).toBeLessThan(100);

  pong({ elapsedTime: 2, timeDiff: -5000 });
  expect(ageOf(detector, Date.now())).toBeGreaterThanOrEqual(5000);
});

it("returns no age for a message of an unknown node", () => {
  expect(setUp().detector.maxAge("b", Date.now())).toBeUndefined();
});

const ageOf = (detector: FailureDetector, sentAt: number): number => detector.maxAge("b", sentAt)!;

function setUp() {
  const localBus = new EventEmitter();
  const registry = { nodes: { toArray: () => [{ id: "b", available: true, local: false }] } };
  const detector = new FailureDetector(
    // The detector's constructor and pongs use these two parts of a broker only.
    { localBus, registry } as unknown as ServiceBroker,
    () => null,
  );
  return {
    detector,
    pong: (of: { elapsedTime: number; timeDiff: number }) =>
      localBus.emit("$node.pong", { nodeID: "b", ...of }),
  };
}
