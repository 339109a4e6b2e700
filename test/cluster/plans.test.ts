import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Session } from "../../contracts/users.ts";
import { due, newOutbox, ofKinds } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import type { Inbox as NotificationInbox } from "../../services/notifications/inbox.ts";
import type { MongoStore } from "../../store/mongo.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { SERVER_START, sharedMongo, type Shared } from "../../bin/processes/servers.ts";

type Owner = "market" | "notifications" | "users";
type Recorded = { query: Record<string, unknown>; sort?: string[]; limit?: number };
interface Plan {
  stage: string;
  indexName?: string;
  inputStage?: Plan;
  inputStages?: Plan[];
}

const folder = temporaryFolder();
let mongo: Shared;
let broker: ServiceBroker;

/** The queries of each service, each shape once. */
const recorded: Record<Owner, Map<string, Recorded>> = {
  market: new Map(),
  notifications: new Map(),
  users: new Map(),
};

const service = (name: Owner) =>
  broker.getLocalService(name) as Service & {
    adapter: MongoStore;
    reconcile(): Promise<void>;
    inbox: NotificationInbox;
  };
const call = <T>(action: string, params: object, user?: string) =>
  broker.call<T, object>(action, params, { meta: user ? { user: { id: user } } : {} });

/** The fields and operators of a query, without their values. */
const shapeOf = (query: unknown): unknown => {
  if (Array.isArray(query)) return query.map(shapeOf);
  if (query instanceof RegExp) return "prefix";
  if (query === null || typeof query !== "object") return "";
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, key === "$in" ? "" : shapeOf(value)]),
  );
};

function listenTo(name: Owner) {
  const { adapter } = service(name);
  const record = ({ query, sort, limit }: Recorded) => {
    recorded[name].set(JSON.stringify([shapeOf(query), sort]), { query, sort, limit });
  };
  const { find, findOne, count, updateOne, updateMany, removeOne } = adapter;
  Object.assign(adapter, {
    find: (filters: Recorded) => (record(filters), find.call(adapter, filters)),
    count: (filters: Recorded) => (record(filters), count.call(adapter, filters)),
    findOne: (query: Recorded["query"]) => (record({ query }), findOne.call(adapter, query)),
    updateOne: (query: Recorded["query"], update: object) => (
      record({ query }),
      updateOne.call(adapter, query, update as never)
    ),
    updateMany: (query: Recorded["query"], update: object) => (
      record({ query }),
      updateMany.call(adapter, query, update as never)
    ),
    removeOne: (query: Recorded["query"]) => (record({ query }), removeOne.call(adapter, query)),
  });
}

/** The stages of the plan that MongoDB chose, from the result down. */
async function stagesOf(name: Owner, { query, sort = [], limit = 0 }: Recorded): Promise<string[]> {
  const order = Object.fromEntries(
    sort.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : ([field, 1] as const))),
  ) as Record<string, 1 | -1>;
  const explained = await service(name)
    .adapter.collection.find(query)
    .sort(order)
    .limit(limit)
    .explain();
  const stages = (plan?: Plan): string[] =>
    plan
      ? [
          plan.stage + (plan.indexName ? ` ${plan.indexName}` : ""),
          ...[plan.inputStage, ...(plan.inputStages ?? [])].flatMap(stages),
        ]
      : [];
  return stages((explained as { queryPlanner: { winningPlan: Plan } }).queryPlanner.winningPlan);
}

beforeAll(async () => {
  mongo = await sharedMongo();
  const database = (owner: string) => `${mongo.url}/souk-${owner}-${randomUUID().slice(0, 8)}`;
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    AMQP_URL: "", // all services in this process
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "error",
    RATE_SCALE: "1000",
    MARKET_MONGO_URL: database("market"),
    NOTIFICATIONS_MONGO_URL: database("notifications"),
    USERS_MONGO_URL: database("users"),
  });
  const { startNode } = await import("../../bin/node.ts");
  broker = await startNode([], { started: () => {} });
  await everything();
}, SERVER_START);
afterAll(async () => {
  await broker?.stop();
  await mongo?.stop();
  folder.remove();
});

/** Calls each action with each kind of params, on collections that are not empty. */
async function everything() {
  for (const name of Object.keys(recorded) as Owner[]) {
    await service(name).adapter.ping();
    listenTo(name);
  }
  await people();
  await market();
  await notices();
}

async function people() {
  const email = `${randomUUID()}@souk.test`;
  const [password, newPassword] = ["correct horse", "battery staple"];
  const { user } = await call<Session>("users.register", { email, password, name: "Anna" });
  const { refreshToken } = await call<Session>("users.login", { email, password });
  const { refreshToken: next } = await call<Session>("users.refresh", { refreshToken });
  await call("users.logout", { refreshToken: next }, user.id);
  await call("users.changePassword", { password, newPassword }, user.id);
  await call("users.me", {}, user.id);
  await call("users.profile", { id: user.id });
  await call("users.ended", {});
}

async function market() {
  const [seller, now] = [randomUUID(), new Date()];
  const items = Array.from({ length: 300 }, (_, n) => {
    const item = offered(
      { title: `Tray ${n}`, price: 1 + n },
      { id: randomUUID(), sellerId: n % 3 ? seller : randomUUID(), currency: "EUR", now },
    );
    return n % 2
      ? item
      : { ...item, ...sold("bob", randomUUID(), now, newOutbox({ notice: now })).$set };
  });
  await service("market").adapter.collection.insertMany(items);
  const refusedAt = now.toISOString();
  const entry = { state: "refused", attempts: 1, refusedAt, reason: "data is too large" };
  await service("market").adapter.collection.updateMany(
    { isSold: true, price: { $gt: 200 } },
    { $set: { outbox: { version: 1, refusedAt, entries: { notice: entry } } } },
  );

  const pages = async (action: string, params: object, user?: string) => {
    const { nextCursor } = await call<{ nextCursor: string | null }>(
      action,
      { ...params, limit: 2 },
      user,
    );
    if (nextCursor) await call(action, { ...params, limit: 2, cursor: nextCursor }, user);
  };
  for (const sort of ["newest", "price", "-price"])
    for (const whose of [{}, { sellerId: seller }])
      for (const which of [{}, { sold: true }, { sold: false }])
        for (const search of [{}, { search: "tray" }, { search: "tray 1" }])
          await pages("market.items", { sort, ...whose, ...which, ...search });
  await pages("market.purchases", {}, "bob");
  await pages("market.sales", {}, seller);
  await pages("market.outbox", { state: "pending" });
  await pages("market.outbox", { state: "refused" });
  const refusedItem = items.find(({ isSold, price }) => isSold && price > 200)!;
  await call("market.replay", { id: refusedItem._id });
  await call("market.replay", {});
  const { id } = await call<{ id: string }>("market.offer", { title: "Rug", price: 5 }, seller);
  await call("market.item", { id });
  await call("market.revise", { id, price: 6 }, seller);
  await call("market.withdraw", { id }, seller);
  const [one, two] = items.filter(({ isSold }) => !isSold);
  await call("market.buy", { id: one!._id }, "carol");
  await call("market.buy", { id: one!._id, price: one!.price }, "carol");
  await call("market.buy", { id: two!._id, price: two!.price }, "carol");
  // The relay delivers the replayed entries.
  await eventually(async () =>
    expect((await call<{ count: number }>("market.outbox", { state: "refused" })).count).toBe(0),
  );
}

async function notices() {
  const userId = randomUUID();
  const id = randomUUID();
  for (let n = 0; n < 5; n++) await call("notifications.notify", { userId, text: `Hello ${n}` });
  for (let n = 0; n < 2; n++) await call("notifications.notify", { id, userId, text: "Hello" });
  for (const which of [{}, { unread: true }, { unread: false }]) {
    const { nextCursor } = await call<Inbox>("notifications.inbox", { ...which, limit: 2 }, userId);
    if (nextCursor)
      await call("notifications.inbox", { ...which, limit: 2, cursor: nextCursor }, userId);
  }
  await Promise.all(
    [userId, randomUUID()].map((id) => service("notifications").inbox.newestUnread(id)),
  );
  await call("notifications.read", { ids: [id] }, userId);
  await call("notifications.read", { all: true, until: id }, userId);
  await call("notifications.read", { all: true }, userId);
  await service("notifications").reconcile();
}

/** Queries by prefixes return rows in no order, so their result may be sorted. */
const mayBeSorted = (shape: string) => shape.includes("prefix");

/** PLANS=1 in the environment prints every query and its plan. */
describe("every MongoDB query of the services", () => {
  it.each(["market", "notifications", "users"] as const)(
    "by %s comes from an index, and in its order",
    async (name) => {
      const scanned: string[] = [];
      const sorted: string[] = [];
      for (const [shape, recordedQuery] of recorded[name]) {
        const stages = await stagesOf(name, recordedQuery);
        const plan = `${shape}: ${stages.join(" < ")}`;
        if (process.env.PLANS) process.stdout.write(`${plan}\n`);
        if (plan.includes("COLLSCAN")) scanned.push(plan);
        if (plan.includes("SORT") && !mayBeSorted(shape)) sorted.push(plan);
      }
      expect(recorded[name].size).toBeGreaterThan(4);
      expect({ scanned, sorted }).toEqual({ scanned: [], sorted: [] });
    },
  );

  it("in a poll of the relay comes from one partial index, whichever kinds it polls", async () => {
    const polls = [...recorded.market.values()].filter(
      ({ query, sort }) => "outbox.dueAt" in query && sort?.[0] === "outbox.dueAt",
    );
    expect(polls.length).toBeGreaterThan(0);
    // While another kind of message has an outage, a poll names the kinds that can be delivered.
    const now = new Date();
    const someKinds = { ...due(now), ...ofKinds(["notice", "mail"], now) };
    polls.push({ query: someKinds, sort: ["outbox.dueAt", "_id"], limit: 500 });

    for (const poll of polls)
      expect(await stagesOf("market", poll)).toContain("IXSCAN outbox.dueAt_1__id_1");

    const indexes = await service("market").adapter.collection.indexes();
    const { partialFilterExpression } = indexes.find(
      ({ name }) => name === "outbox.dueAt_1__id_1",
    )!;
    expect(partialFilterExpression).toEqual({ "outbox.dueAt": { $exists: true } });
  });
});
