/** What can go wrong, each as a thing that strikes a house and is healed again. */
import { setTimeout as pause } from "node:timers/promises";
import type { ItemDocument } from "../../domain/item.ts";
import { saleNotice, toSale } from "../../domain/sale.ts";
import type { Direction, Proxy } from "../support/proxy.ts";
import type { Server, Shared } from "../../bin/processes/servers.ts";
import {
  crash,
  revive,
  type House,
  type Member,
  type Owner,
  type ServiceName,
} from "./cluster-harness.ts";

export type Surface = "browse" | "profile" | "inbox";

export interface Fault {
  /** As the table names it. */
  name: string;
  /** What needs the part that is struck: that it works again is the recovery. */
  dependent: Surface;
  /** What must work all the while, or from `grace` ms on. */
  goesOn: Surface[];
  grace: number;
  /** An api that is struck itself: it is not asked for what goes on. */
  avoid?: Member;
  /** Ms between `strike` and `heal`. */
  lasts: number;
  strike(): Promise<unknown>;
  heal(): Promise<unknown>;
}

const needs: Record<ServiceName, Surface> = {
  api: "browse",
  market: "browse",
  notifications: "inbox",
  users: "profile",
};
const all: Surface[] = ["browse", "profile", "inbox"];
const without = (service: ServiceName): Surface[] =>
  service === "api" ? all : all.filter((surface) => surface !== needs[service]);

/** Within this everyone knows that a node is gone, and asks another (ms). */
const noticedWithin = 2_500;
/** A point is reached under load; where it is not, the run says so. */
const reachedWithin = 10_000;

/** One of each kind, on nodes that `random` chooses. */
export function catalogue(house: House, random: () => number): Fault[] {
  const one = (service: ServiceName) =>
    house.of(service)[Math.floor(random() * house.of(service).length)]!;
  const services: ServiceName[] = ["users", "market", "notifications", "api"];
  return [
    ...services.flatMap((service) => onNode(service, one(service), house)),
    ...services.flatMap((service) =>
      onConnections(service, "RabbitMQ", one(service), (member) => member.amqp, house),
    ),
    ...(["users", "market", "notifications"] as const).flatMap((service) =>
      onConnections(service, "its database", one(service), (member) => member.mongo!, house),
    ),
    ...(["market", "notifications"] as const).map((service) => onService(service, house)),
    ...onServer("RabbitMQ", house, house.rabbit, "browse", []),
    ...(["users", "market", "notifications"] as const).flatMap((owner: Owner) =>
      onServer(
        `the database of ${owner}`,
        house,
        house.mongos[owner],
        needs[owner],
        without(owner),
      ),
    ),
    ...points(one("market"), one("notifications")),
    duplicates(house),
  ];
}

function onNode(service: ServiceName, member: Member, house: House): Fault[] {
  const isAlone = house.of(service).length === 1;
  const common = {
    dependent: needs[service],
    goesOn: isAlone ? without(service) : all,
    grace: isAlone ? 0 : noticedWithin,
    ...(service === "api" && { avoid: member }),
    lasts: 4_000,
  };
  return [
    {
      ...common,
      name: `kill -9: a node of ${service}`,
      strike: () => member.end("SIGKILL"),
      heal: () => member.start(),
    },
    {
      ...common,
      name: `SIGTERM: a node of ${service}`,
      strike: () => member.end("SIGTERM"),
      heal: () => member.start(),
    },
    {
      ...common,
      name: `SIGSTOP: a node of ${service}`,
      strike: async () => member.freeze(),
      heal: async () => member.thaw(),
    },
  ];
}

/** All its nodes at once. */
function onService(service: Owner, house: House): Fault {
  const each = (act: (member: Member) => Promise<unknown>) =>
    Promise.all(house.of(service).map(act));
  return {
    name: `kill -9: every node of ${service}`,
    dependent: needs[service],
    goesOn: without(service),
    grace: 0,
    lasts: 3_000,
    strike: () => each((member) => member.end("SIGKILL")),
    heal: () => each((member) => member.start()),
  };
}

function onConnections(
  service: ServiceName,
  to: string,
  member: Member,
  of: (member: Member) => Proxy,
  house: House,
): Fault[] {
  const isAlone = house.of(service).length === 1;
  const isDatabase = to !== "RabbitMQ";
  // A node without its database is still asked, and says so: its half of the calls is refused.
  const goesOn = isAlone || isDatabase ? without(service) : all;
  const common = {
    dependent: needs[service],
    goesOn,
    grace: isAlone || isDatabase ? 0 : noticedWithin,
    ...(service === "api" && { avoid: member }),
  };
  const proxy = of(member);
  const heal = () => proxy.admit();
  return [
    { ...common, name: `cut: ${service} – ${to}`, lasts: 0, strike: async () => proxy.cut(), heal },
    {
      ...common,
      name: `away: ${service} – ${to}`,
      lasts: 3_500,
      strike: () => proxy.refuse(),
      heal,
    },
    {
      ...common,
      name: `silent: ${service} – ${to}`,
      lasts: 3_500,
      strike: async () => proxy.hold("up", "down"),
      heal,
    },
    {
      ...common,
      name: `+200 ms: ${service} – ${to}`,
      goesOn: all,
      grace: 0,
      lasts: 3_000,
      strike: async () => (proxy.delayed = 200),
      heal,
    },
  ];
}

function onServer(
  name: string,
  house: House,
  server: Server,
  dependent: Surface,
  goesOn: Surface[],
): Fault[] {
  const common = { dependent, goesOn, grace: 0 };
  return [
    {
      ...common,
      name: `kill -9: ${name}`,
      lasts: 1_000,
      strike: () => crash(house, server),
      heal: () => revive(house, server),
    },
    {
      ...common,
      name: `SIGSTOP: ${name}`,
      lasts: 3_500,
      strike: async () => server.freeze(),
      heal: async () => server.thaw(),
    },
  ];
}

/** Between two steps of the protocol: what is about to pass tells that the step before is done. */
export function points(market: Member, notifications: Member): Fault[] {
  const reached = (proxy: Proxy, direction: Direction, text: string) =>
    Promise.race([
      proxy.holdAt(direction, text),
      pause(reachedWithin, undefined, { ref: false }).then(() => {
        proxy.release();
        throw new Error(`Nothing with ${text} passed within ${reachedWithin} ms`);
      }),
    ]);
  const comeBack = async (member: Member) => {
    await Promise.all(member.proxies.map((proxy) => proxy.admit()));
    await member.start();
  };
  const killAt = (member: Member, proxy: Proxy, direction: Direction, text: string) => ({
    dependent: needs[member.service],
    goesOn: [],
    grace: 0,
    lasts: 1_000,
    async strike() {
      await reached(proxy, direction, text);
      await member.end("SIGKILL");
    },
    heal: () => comeBack(member),
  });
  const cutAt = (member: Member, proxy: Proxy, direction: Direction, text: string) => ({
    ...killAt(member, proxy, direction, text),
    lasts: 0,
    async strike() {
      await reached(proxy, direction, text);
      proxy.cut();
    },
    heal: () => proxy.admit(),
  });
  const answer = '"data":{"ok":true,"id":"';
  return [
    {
      name: "kill -9: market, sale written, notify not called",
      ...killAt(market, market.amqp, "up", '"action":"notifications.notify"'),
    },
    {
      name: "kill -9: market, notify answered, debt not marked",
      ...killAt(market, market.mongo!, "up", "told"),
    },
    {
      name: "kill -9: notifications, notice stored, not answered",
      ...killAt(notifications, notifications.amqp, "up", answer),
    },
    {
      name: "cut: notifications, answer and ack lost, redelivered",
      ...cutAt(notifications, notifications.amqp, "up", answer),
    },
    {
      name: "cut: market, sale written, its database's word lost",
      ...cutAt(market, market.mongo!, "down", "lastErrorObject"),
    },
    {
      ...killAt(notifications, notifications.mongo!, "up", "insert"),
      name: "kill -9: notifications, notice asked for, not stored",
      async strike() {
        await reached(notifications.mongo!, "up", "insert");
        // An answer that came too early would be believed by now.
        await pause(500);
        await notifications.end("SIGKILL");
      },
    },
  ];
}

/** As a fabric that delivers twice: to every node, twice at once, long after. */
export function duplicates(house: House<Shared>): Fault {
  return {
    name: "delivered again: notify",
    dependent: "inbox",
    goesOn: all,
    grace: 0,
    lasts: 0,
    async strike() {
      const sold = await house.items
        .aggregate<ItemDocument>([{ $match: { isSold: true } }, { $sample: { size: 40 } }])
        .toArray();
      for (const item of sold) {
        const notice = saleNotice(toSale(item));
        const nodes = house.of("notifications").map(({ name: nodeID }) => nodeID);
        const answers = await Promise.all(
          [...nodes, ...nodes].map((nodeID) =>
            house.broker.call<{ id: string }, object>("notifications.notify", notice, { nodeID }),
          ),
        );
        if (answers.some(({ id }) => id !== notice.id))
          throw new Error(`notify answered ${JSON.stringify(answers)} for ${notice.id}`);
      }
    },
    heal: async () => {},
  };
}
