/** Checks RabbitMQ as a node uses it: over AMQP, and by the management API where it can be reached. */
import { setTimeout as pause } from "node:timers/promises";
import type { ConsumeMessage } from "amqplib";
import { closeConnection, openConnection } from "../../broker/amqp/connection.ts";
import { Session } from "../../broker/amqp/session.ts";
import { declareQueue, paths, Topology } from "../../broker/amqp/topology.ts";
import { splitAmqpUrls } from "../../broker/env/amqp-urls.ts";
import { redact } from "../../broker/env/urls.ts";
import { findingsOf, messageOf, within, type Finding, type Findings } from "./finding.ts";
import { checkManagement } from "./management.ts";
import type { Settings } from "./settings.ts";

/** The longest check of all (ms). */
const checkTimeoutMs = 12_000;
/** How long a message to itself may take (ms). */
const arrivalTimeoutMs = 3_000;
/** Messages that wait in a queue for a second: a policy that drops messages of a node drops some of these. */
const [waitingCount, waitingMs, waitingBytes] = [20, 1_000, 32 * 1024];

const prefixOf = (namespace: string) => (namespace ? `MOL-${namespace}` : "MOL");

export const checkRabbit = (settings: Settings): Promise<Finding[]> =>
  findingsOf("RabbitMQ", checkTimeoutMs, async (findings) => {
    const urls = splitAmqpUrls(settings.amqpUrl);
    const reached = await Promise.all(urls.map((url) => checkHost(url, urls.length, findings)));
    const url = urls[reached.indexOf(true)];
    if (url === undefined) return;
    const topology = new Topology(prefixOf(settings.namespace), settings.nodeId);
    const [, isKnown] = await Promise.all([
      checkNode(url, topology, findings),
      checkManagement(
        { amqpUrl: url, origin: settings.managementUrl },
        topology.exchange("requests").replace(/requests$/, ""),
        findings,
      ),
    ]);
    if (!isKnown)
      findings.add(
        "unknown",
        `The management API cannot be asked. Without it nobody knows of policies that drop messages above ${waitingCount} in a queue or older than ${waitingMs / 1000} s, of partitions, and of RabbitMQ nodes that are down.`,
      );
  });

/** Whether the host accepts a connection. Says its version. */
async function checkHost(url: string, hosts: number, findings: Findings): Promise<boolean> {
  try {
    const connection = await within(4_000, openConnection(url));
    const { product, version = "?" } = (
      connection.connection as unknown as {
        serverProperties: { product?: string; version?: string };
      }
    ).serverProperties;
    closeConnection(connection);
    const isOld = hosts > 1 && Number.parseInt(version) < 4;
    findings.add(
      isOld ? "note" : "ok",
      `${redact(url)} is ${product} ${version}.${isOld ? " A cluster of RabbitMQ needs version 4 to survive a frozen node." : ""}`,
    );
    return true;
  } catch (error) {
    findings.add("wrong", `${messageOf(error)}.`);
    return false;
  }
}

/** Does what a node does when it starts, under a name of its own. */
async function checkNode(url: string, topology: Topology, findings: Findings): Promise<void> {
  const session = await within(4_000, Session.open(url, topology));
  const arrived = new Set<string>();
  const complete = Promise.withResolvers();
  const alarm = Promise.withResolvers<string>();
  const receiver = {
    onMessage: async ({ properties: { messageId } }: ConsumeMessage) => {
      if (arrived.add(String(messageId)).size === paths.length) complete.resolve(undefined);
    },
    onReturned: () => {},
    onBlocked: (reason: string) => alarm.resolve(reason),
    onUnblocked: () => {},
  };
  const use = async () => {
    await session.subscribe(receiver);
    for (const path of paths)
      topology.toNode(session.channel, path, topology.nodeID, Buffer.alloc(0), { messageId: path });
    await within(arrivalTimeoutMs, complete.promise).catch(() => {
      const missing = paths.filter((path) => !arrived.has(path)).map((it) => topology.exchange(it));
      throw new Error(`a message by ${missing.join(", ")} does not arrive`);
    });
    findings.add("ok", "The user may declare, bind and use a node's queues, and messages arrive.");
    await checkWaiting(session, topology, findings);
  };
  const ended = await Promise.race([
    use().then(() => undefined, messageOf),
    session.lost,
    alarm.promise.then((reason) => `it has an alarm (${reason}) and accepts no messages`),
  ]);
  if (ended) findings.add("wrong", `A node cannot use ${redact(url)}: ${ended}.`);
  session.drop("the check has ended");
}

async function checkWaiting(
  { channel, queues: { waiting } }: Session,
  topology: Topology,
  findings: Findings,
): Promise<void> {
  await declareQueue(channel, waiting);
  await channel.bindQueue(waiting, topology.exchange("packets"), waiting);
  for (let n = 0; n < waitingCount; n++)
    topology.toNode(channel, "packets", waiting, Buffer.alloc(waitingBytes), {});
  await pause(waitingMs);
  const { messageCount } = await channel.checkQueue(waiting);
  if (messageCount < waitingCount)
    findings.add(
      "wrong",
      `Of ${waitingCount} messages in a queue, ${messageCount} were left after ${waitingMs / 1000} s: a policy on ${waiting} drops messages.`,
    );
  else
    findings.add(
      "ok",
      `${waitingCount} messages wait in a queue for ${waitingMs / 1000} s, and none is dropped.`,
    );
}
