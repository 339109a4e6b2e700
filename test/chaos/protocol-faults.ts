/** Faults between two steps of the protocol from sale to notice. */
import { setTimeout as pause } from "node:timers/promises";
import type { Shared } from "../../bin/processes/servers.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { saleNotice, toSale } from "../../domain/sale.ts";
import type { Direction, Proxy } from "../support/proxy.ts";
import type { Cluster } from "./cluster-harness.ts";
import { allSurfaces, surfaceOf, type Fault } from "./fault.ts";
import { now, type History } from "./history.ts";
import type { Member } from "./member.ts";

/** Under load a point is reached within this; otherwise the injection fails (ms). */
const reachedWithin = 10_000;

/** The text of the answer to `notifications.notify`. */
const notifyAnswer = '"data":{"ok":true,"id":"';

/** Each fault waits for a message that proves the step before it, and holds that message back. */
export const protocolPoints = (market: Member, notifications: Member): Fault[] => [
  {
    name: "kill -9: market, sale written, notify not called",
    ...killAt(market, market.amqp, "up", '"action":"notifications.notify"'),
  },
  {
    name: "kill -9: market, notify answered, entry not marked",
    ...killAt(market, market.mongo!, "up", "delivered"),
  },
  {
    name: "kill -9: notifications, notice stored, not answered",
    ...killAt(notifications, notifications.amqp, "up", notifyAnswer),
  },
  {
    name: "reset: notifications, answer and ack lost, redelivered",
    ...resetAt(notifications, notifications.amqp, "up", notifyAnswer),
  },
  {
    name: "reset: market, sale written, the database's answer lost",
    ...resetAt(market, market.mongo!, "down", "lastErrorObject"),
  },
  {
    ...killAt(notifications, notifications.mongo!, "up", "insert"),
    name: "kill -9: notifications, notify called, notice not stored",
    async inject() {
      await reached(notifications.mongo!, "up", "insert");
      // Time for an answer that is sent too early to take effect.
      await pause(500);
      await notifications.end("SIGKILL");
    },
  },
];

const reached = (proxy: Proxy, direction: Direction, text: string) =>
  Promise.race([
    proxy.holdAt(direction, text),
    pause(reachedWithin, undefined, { ref: false }).then(() => {
      proxy.release();
      throw new Error(`No message with ${text} passed within ${reachedWithin} ms.`);
    }),
  ]);

const killAt = (member: Member, proxy: Proxy, direction: Direction, text: string) => ({
  dependent: surfaceOf[member.service],
  available: [],
  graceMs: 0,
  durationMs: 1_000,
  async inject() {
    await reached(proxy, direction, text);
    await member.end("SIGKILL");
  },
  async heal() {
    await Promise.all(member.proxies.map((proxy) => proxy.admit()));
    await member.start();
  },
});

const resetAt = (member: Member, proxy: Proxy, direction: Direction, text: string) => ({
  ...killAt(member, proxy, direction, text),
  durationMs: 0,
  async inject() {
    await reached(proxy, direction, text);
    proxy.cut();
  },
  heal: () => proxy.admit(),
});

/** Delivers notices of past sales again, twice at once to every node. */
export function duplicateDelivery(
  cluster: Cluster<Shared>,
  history: Pick<History, "resent">,
): Fault {
  return {
    name: "delivered again: notify",
    dependent: "inbox",
    available: allSurfaces,
    graceMs: 0,
    durationMs: 0,
    async inject() {
      const sold = await cluster.items
        .aggregate<ItemDocument>([{ $match: { isSold: true } }, { $sample: { size: 40 } }])
        .toArray();
      const nodes = cluster.of("notifications").map(({ name }) => name);
      for (const item of sold) {
        const notice = saleNotice(toSale(item));
        history.resent.push({ saleId: notice.id, at: now() });
        const answers = await Promise.all(
          [...nodes, ...nodes].map((nodeID) =>
            cluster.broker.call<{ id: string }, object>("notifications.notify", notice, { nodeID }),
          ),
        );
        if (answers.some(({ id }) => id !== notice.id))
          throw new Error(`notify answered ${JSON.stringify(answers)} for ${notice.id}.`);
      }
    },
    heal: async () => {},
  };
}
