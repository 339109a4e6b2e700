import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { countMessages } from "../../test/support/message-count.ts";
import type { Outcome, Row } from "../row.ts";
import { servers } from "../support/servers.ts";

const sizes = [5, 10, 20, 50];
/** How long idle nodes are counted (ms). */
const period = 10_000;
/** Time after which the messages of the start are over (ms). */
const settling = 6_000;
/** Nodes that receive a hint, and how many hints are counted. */
const [receivers, hints] = [10, 100];

export default {
  name: "membership",
  description: "what idle nodes send to each other through RabbitMQ, by the number of nodes",

  async run(): Promise<Outcome> {
    const idle = [];
    for (const size of sizes) idle.push({ size, values: await withNodes(size, idleMessages) });
    const hint = await withNodes(receivers, messagesOfHints);
    return {
      figures: [
        ...idle.map(({ size, values }) => ({
          system: `souk, ${size} nodes`,
          metric: "messages published and received by an idle node",
          unit: "/s",
          values,
        })),
        {
          system: `souk, ${receivers} nodes`,
          metric: "messages published and received for a hint to all",
          unit: "",
          values: hint,
        },
      ],
      ratios: [
        {
          name: "messages of an idle node per second",
          against: "4",
          values: idle.map(({ values }) => Math.max(...values) / 4),
          goal: { atMost: 1 },
        },
      ],
      notes: [
        "Probes, heartbeats and their broadcasts, on all channels; all nodes in one process.",
        "A hint is an event that one node broadcasts, as notifications does for each notice.",
      ],
    };
  },
} satisfies Row;

async function withNodes<T>(size: number, measure: (nodes: ServiceBroker[]) => Promise<T>) {
  const url = (await servers()).rabbit.url;
  const namespace = randomUUID();
  const nodes = Array.from({ length: size }, (_, n) => {
    const broker = new ServiceBroker({
      ...brokerDefaults,
      nodeID: `n${n}`,
      namespace,
      transporter: amqp(url),
      logger: false,
      registry: { stopDelay: 0 },
      skipProcessEventRegistration: true,
      internalServices: false,
    });
    broker.createService({ name: "hints", events: { "bench.hint": () => {} } });
    return broker;
  });
  await Promise.all(nodes.map((node) => node.start()));
  try {
    await eventually(
      () => {
        if (nodes.some((node) => node.registry.nodes.onlineCount() < size))
          throw new Error("Not all nodes know each other.");
      },
      { within: 60_000 },
    );
    await pause(settling);
    return await measure(nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** Messages per node and second. */
async function idleMessages(nodes: ServiceBroker[]): Promise<number[]> {
  const counters = nodes.map(countMessages);
  const begun = performance.now();
  await pause(period);
  const seconds = (performance.now() - begun) / 1000;
  const sum = counters.reduce((total, counter) => total + counter.total(), 0);
  return [sum / nodes.length / seconds];
}

/** Messages per hint, without those of idle nodes. */
async function messagesOfHints(nodes: ServiceBroker[]): Promise<number[]> {
  const [perSecond = 0] = await idleMessages(nodes);
  const counters = nodes.map(countMessages);
  const begun = performance.now();
  for (let hint = 0; hint < hints; hint++) await nodes[0]!.broadcast("bench.hint", {});
  await pause(1000);
  const seconds = (performance.now() - begun) / 1000;
  const sum = counters.reduce((total, counter) => total + counter.total(), 0);
  return [(sum - perSecond * nodes.length * seconds) / hints];
}
