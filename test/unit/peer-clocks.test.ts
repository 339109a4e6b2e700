import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { PeerClocks, type ClockEvent } from "../../broker/amqp/peer-clocks.ts";

beforeEach(() => void jest.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void jest.useRealTimers());

it("takes the delay over the fastest message as the age, at least its own latency, whatever the wall clocks say", () => {
  const { clocks, sentAgo } = setUp();

  expect(clocks.ageOf("i", sentAgo(20))).toBeCloseTo(latency + 5);
  jest.setSystemTime(9_000_000);
  expect(clocks.ageOf("i", sentAgo(320))).toBeCloseTo(300 + latency + 5);
});

it("is right again 25 s after the monotonic clock of a process was held up", () => {
  const { clocks, sentAgo } = setUp();
  clocks.ageOf("i", sentAgo(0));

  for (let second = 0; second <= 25; second++) {
    jest.advanceTimersByTime(1000);
    clocks.ageOf("i", sentAgo(60_000));
  }

  expect(clocks.ageOf("i", sentAgo(60_000))).toBeLessThan(100);
});

it("lets the fastest message of a quiet process age by the drift of clocks only", () => {
  const { clocks, sentAgo } = setUp();
  clocks.ageOf("i", sentAgo(0));

  jest.advanceTimersByTime(60_000);

  expect(clocks.ageOf("i", sentAgo(5000))).toBeGreaterThan(4900);
});

it("logs once that a node's wall clock is wrong, and once that it is right again", () => {
  const { clocks, sentAgo, lines, events } = setUp();
  const measure = (offset: number) => clocks.measure("b", "i", sentAgo(0), Date.now() + offset);

  for (const offset of [1500, 3_600_000, 3_600_000, 1500, 2500, 500, 500, -2500]) measure(offset);

  expect(lines).toEqual([
    "The clock of node b is 3600.0 s ahead of this node's.",
    "The clock of node b agrees with this node's again.",
    "The clock of node b is 2.5 s behind this node's.",
  ]);
  expect(events.map(({ nodeID }) => nodeID)).toEqual(["b", "b", "b"]);
  expect(clocks.offsets()).toEqual({ b: expect.closeTo(-2500, -2) });
});

it("forgets a node that is gone", () => {
  const { clocks, sentAgo, localBus } = setUp();
  clocks.measure("b", "i", sentAgo(0), Date.now());

  localBus.emit("$node.disconnected", { node: { id: "b", instanceID: "i" } });

  expect(clocks.offsets()).toEqual({});
  expect(clocks.ageOf("i", sentAgo(60_000))).toBeLessThan(100);
});

const latency = 3;

function setUp() {
  const [localBus, lines, events] = [new EventEmitter(), [] as string[], [] as ClockEvent[]];
  const log = (line: string) => void lines.push(line);
  // The cast: these are the parts of a broker that it uses.
  const broker = {
    localBus,
    logger: { warn: log, info: log },
    broadcastLocal: (_name: string, event: ClockEvent) => events.push(event),
  } as unknown as ServiceBroker;
  const clocks = new PeerClocks(broker, () => latency);
  return { clocks, localBus, lines, events, sentAgo: (ms: number) => performance.now() - ms };
}
