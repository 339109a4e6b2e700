import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Session } from "../../contracts/users.ts";
import { due, dueBetween, newOutbox, ofKinds } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import type { Inbox as NotificationInbox } from "../../services/notifications/inbox.ts";
import type { MongoStore } from "../../store/mongo.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { SERVER_START, sharedMongo, type Shared } from "../../bin/processes/servers.ts";
import { faultsOf } from "../support/index-bounds.ts";

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

interface Explained extends Recorded {
  /** The stages of the plan that the server chose, from the result down. */
  stages: string[];
  /** Why the best declared index does not bound what is read. */
  faults: string[];
  /** Documents that the plan by that index reads, and those that it returns. */
  read: number;
  returned: number;
}

/** The queries of each service, each shape once, with their plans at the time. */
const recorded: Record<Owner, Map<string, Explained>> = {
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
  const record = async ({ query, sort, limit }: Recorded) => {
    const shape = JSON.stringify([shapeOf(query), sort]);
    // A query may have found nothing the first time.
    if ((recorded[name].get(shape)?.returned ?? 0) > 0) return;
    recorded[name].set(shape, await explained(name, { query, sort, limit }));
  };
  const { find, findOne, count, updateOne, updateMany, removeOne } = adapter;
  const whole =
    <Rest extends unknown[], R>(
      operation: (this: MongoStore, query: Recorded["query"], ...rest: Rest) => Promise<R>,
    ) =>
    async (query: Recorded["query"], ...rest: Rest) => {
      await record({ query });
      return operation.call(adapter, query, ...rest);
    };
  Object.assign(adapter, {
    find: async (filters: Recorded) => (await record(filters), find.call(adapter, filters)),
    count: async (filters: Recorded) => (await record(filters), count.call(adapter, filters)),
    findOne: whole(findOne),
    updateOne: whole(updateOne),
    updateMany: whole(updateMany),
    removeOne: whole(removeOne),
  });
}

/** Chosen by MongoDB's rule for indexes, so that the numbers do not depend on one server's planner. */
async function bestIndex(name: Owner, asked: Recorded) {
  const indexes = await service(name).adapter.collection.indexes();
  const judged = indexes.map((index) => ({
    hint: index.name!,
    faults: faultsOf(asked, Object.keys(index.key as object)),
  }));
  return judged.toSorted((a, b) => a.faults.length - b.faults.length)[0]!;
}

async function explained(name: Owner, asked: Recorded): Promise<Explained> {
  const { query, sort = [], limit = 0 } = asked;
  const order = Object.fromEntries(
    sort.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : ([field, 1] as const))),
  ) as Record<string, 1 | -1>;
  const { hint, faults } = await bestIndex(name, asked);
  const find = () => service(name).adapter.collection.find(query).sort(order).limit(limit);
  const plan = (await find().explain()) as { queryPlanner: { winningPlan: Plan } };
  const { executionStats } = (await find().hint(hint).explain("executionStats")) as {
    executionStats: { totalDocsExamined: number; nReturned: number };
  };
  return {
    ...asked,
    stages: stagesOf(plan.queryPlanner.winningPlan),
    faults,
    read: executionStats.totalDocsExamined,
    returned: executionStats.nReturned,
  };
}

const stagesOf = (plan?: Plan): string[] =>
  plan
    ? [
        plan.stage + (plan.indexName ? ` ${plan.indexName}` : ""),
        ...[plan.inputStage, ...(plan.inputStages ?? [])].flatMap(stagesOf),
      ]
    : [];

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
    // Several share an instant.
    const made = new Date(now.getTime() - 1000 * Math.floor(n / 5));
    const item = offered(
      { title: `Tray ${n}`, price: 1 + (n >> 1) },
      { id: randomUUID(), sellerId: n % 3 ? seller : randomUUID(), currency: "EUR", now: made },
    );
    return n % 2
      ? item
      : { ...item, ...sold("bob", randomUUID(), made, newOutbox({ notice: now })).$set };
  });
  await service("market").adapter.collection.insertMany(items);
  const refusedAt = now.toISOString();
  const entry = { state: "refused", attempts: 1, refusedAt, reason: "data is too large" };
  await service("market").adapter.collection.updateMany(
    { isSold: true, price: { $gt: 100 } },
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
  const refusedItem = items.find(({ isSold, price }) => isSold && price > 100)!;
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

/** A search reads the documents that match its words, and sorts them: decision 013 says why. */
const isSearch = (shape: string) => shape.includes("prefix");

/** A query by ids, or by a unique field, reads one document for each. Of several plans MongoDB takes the one that ends first. */
const isLookup = ({ query }: Recorded) =>
  typeof query._id === "string" ||
  typeof query.email === "string" ||
  "$in" in ((query._id as object | undefined) ?? {});

/**
 * Documents are read for these conditions, and nearly always match: they only exclude entries that another version
 * of Souk wrote, and notices of the very instant at which a user's reading ends.
 */
const isRarelyFalse = (shape: string, fault: string) =>
  (shape.includes("outbox.entries.") && /documents for (outbox\.entries\.|\$and)/.test(fault)) ||
  (shape.includes("isRead") && fault.endsWith("documents for $or"));

/**
 * The stages are those of the plan that this server chose. MongoDB chooses among plans by trying them. What a query reads is
 * measured on the index that is best by MongoDB's rule (test/support/index-bounds.ts). PLANS=1 in the environment prints all.
 */
describe("every MongoDB query of the services", () => {
  it.each(["market", "notifications", "users"] as const)(
    "by %s comes from an index, in its order, and reads no documents but those that it returns",
    async (name) => {
      const failed: Record<string, string[]> = { scanned: [], sorted: [], read: [], unbounded: [] };
      for (const [shape, asked] of recorded[name]) {
        const { stages, faults, read, returned } = asked;
        const plan = `${shape}: ${stages.join(" < ")}, ${read} read, ${returned} returned`;
        if (process.env.PLANS) process.stdout.write(`${plan}\n`);
        if (plan.includes("COLLSCAN")) failed.scanned!.push(plan);
        if (isSearch(shape)) continue;
        if (plan.includes("SORT")) failed.sorted!.push(plan);
        if (isLookup(asked)) continue;
        if (read > returned) failed.read!.push(plan);
        const unbounded = faults.filter((fault) => !isRarelyFalse(shape, fault));
        if (unbounded.length > 0) failed.unbounded!.push(`${shape}: ${unbounded.join(", ")}`);
      }
      expect(recorded[name].size).toBeGreaterThan(4);
      expect(failed).toEqual({ scanned: [], sorted: [], read: [], unbounded: [] });
    },
  );

  it("needs no unique index but that of email addresses, which docs/scale.md would move", async () => {
    const unique = async (name: Owner) =>
      (await service(name).adapter.collection.indexes())
        .filter((index) => index.unique && index.name !== "_id_")
        .map((index) => `${name} ${index.name}`);
    const all = await Promise.all((Object.keys(recorded) as Owner[]).map(unique));
    expect(all.flat()).toEqual(["users email_1"]);
  });

  it("in a poll of the relay comes from one partial index, whichever kinds it polls", async () => {
    const polls: Recorded[] = [...recorded.market.values()].filter(
      ({ query, sort }) => "outbox.dueAt" in query && sort?.[0] === "outbox.dueAt",
    );
    expect(polls.length).toBeGreaterThan(0);
    // While another kind of message has an outage, a poll names the kinds that can be delivered.
    const now = new Date();
    const someKinds = { ...due(now), ...ofKinds(["notice", "mail"], now) };
    // Behind a backlog, a second query takes what has just become due.
    const fresh = dueBetween(new Date(now.getTime() - 10_000), now);
    const sort = ["outbox.dueAt", "_id"];
    polls.push({ query: someKinds, sort, limit: 500 }, { query: fresh, sort, limit: 125 });

    for (const poll of polls) {
      const { stages } = await explained("market", poll);
      expect(stages).toEqual(["LIMIT", "FETCH", "IXSCAN outbox.dueAt_1__id_1"]);
    }
    expect(faultsOf({ query: fresh, sort }, sort)).toEqual([]);

    const indexes = await service("market").adapter.collection.indexes();
    const { partialFilterExpression } = indexes.find(
      ({ name }) => name === "outbox.dueAt_1__id_1",
    )!;
    expect(partialFilterExpression).toEqual({ "outbox.dueAt": { $exists: true } });
  });
});
