import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import { due, dueBetween, ofKinds } from "../../domain/outbox.ts";
import type { MongoStore } from "../../store/mongo.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { SERVER_START, sharedMongo, type Shared } from "../../bin/processes/servers.ts";
import {
  callEverything,
  isLookup,
  isRarelyFalse,
  isSearch,
  owners,
  type Owner,
  type Recorded,
} from "../support/all-queries.ts";
import { faultsOf } from "../support/index-bounds.ts";

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
  /** Why the best declared index does not bound what the query reads. */
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

const service = (name: Owner) => broker.getLocalService(name) as Service & { adapter: MongoStore };

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
    DELIVERIES_MONGO_URL: database("deliveries"),
  });
  const { startNode } = await import("../../bin/node.ts");
  broker = await startNode([], { started: () => {} });
  await callEverything(broker, async (name, shape, asked) => {
    // A query may have found nothing the first time.
    if ((recorded[name].get(shape)?.returned ?? 0) === 0)
      recorded[name].set(shape, await explained(name, asked));
  });
}, SERVER_START);
afterAll(async () => {
  await broker?.stop();
  await mongo?.stop();
  folder.remove();
});

/**
 * The stages are those of the plan that this server chose. MongoDB chooses among plans by trying them. What a query reads is
 * measured on the index that is best by MongoDB's rule (test/support/index-bounds.ts). PLANS=1 in the environment prints all.
 */
describe("every MongoDB query of the services", () => {
  it.each(owners)(
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

  it("needs no unique index but those of email addresses and idempotency keys, which docs/scale.md would move", async () => {
    const unique = async (name: Owner) =>
      (await service(name).adapter.collection.indexes())
        .filter((index) => index.unique && index.name !== "_id_")
        .map((index) => `${name} ${index.name}`);
    const all = await Promise.all(owners.map(unique));
    expect(all.flat()).toEqual(["market creation.key_1", "users email_1"]);
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
