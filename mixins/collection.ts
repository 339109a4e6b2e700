import DbService from "moleculer-db";
import type { Service, ServiceSchema } from "moleculer";
import { join } from "node:path";
import type { Static, TSchema } from "typebox";
import { define, mixinOf } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { codeOf } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { retention } from "./retention.ts";
import { SqliteStore } from "../store/sqlite/adapter.ts";
import { startThread } from "../store/sqlite/thread.ts";
import { measured, measureConnections } from "../store/measured.ts";
import { checkQuery, toUpdate } from "../store/query.ts";
import type { Adapter, Collection, Find, Found, Query, Store, Stored } from "../store/store.ts";

// eslint-disable-next-line no-restricted-syntax -- loaded on demand: a market on files needs no driver of 10 MB
const mongo = Object.keys(env.databases).length > 0 ? await import("../store/mongo.ts") : undefined;

/** The documents of a TypeBox schema. */
type DocumentOf<Schema extends TSchema> = Extract<Static<Schema>, { _id: string }>;

/** Makes the adapter of one service's collection; `further`: of one besides its own. */
export type Open = (service: string, collection: Collection, further?: "further") => Adapter;

/**
 * Gives a service `this.store`, typed by the schema of its documents: in MongoDB when the service has a
 * URL, otherwise in a file. The service starts without its database, and answers UNAVAILABLE until it can be used.
 */
export const collection = <Schema extends TSchema>(
  what: Collection<Schema>,
  open: Open = configured,
) =>
  define({
    // Mixins stop in this order.
    mixins: [retention(what), database(what, open)],

    state() {
      measureConnections(this.adapter, this);
      return { store: measured(storeOf<DocumentOf<Schema>>(this), this) };
    },

    settings: { entityValidator: validatorOf(what) },

    methods: {
      /** There is no cacher; moleculer-db would send a broadcast to every node after each insert. */
      async clearCache() {},
    },

    actions: {
      find: false,
      count: false,
      list: false,
      create: false,
      insert: false,
      get: false,
      update: false,
      remove: false,
    },
  });

/**
 * Gives a service `this[name]`, the store of one more collection: in the same MongoDB database, otherwise in a file of its own. It
 * starts without its database, as `collection` does. A service has at most one.
 */
export const furtherCollection = <Name extends string, Schema extends TSchema>(
  name: Name,
  what: Collection<Schema>,
  open: Open = configured,
) =>
  define({
    state() {
      const furtherAdapter = open(this.name, what, "further");
      furtherAdapter.init(this.broker, this);
      const store = furtherStoreOf<DocumentOf<Schema>>(furtherAdapter, what);
      return { furtherAdapter, [name]: store } as { furtherAdapter: Adapter } & {
        [N in Name]: Store<DocumentOf<Schema>>;
      };
    },

    started() {
      return this.furtherAdapter.connect();
    },

    stopped() {
      return this.furtherAdapter.disconnect();
    },
  });

/** Whether a collection has no documents. One whose database is unavailable is not known to be empty. */
export async function isEmpty(store: Pick<Store<Stored>, "count">): Promise<boolean> {
  try {
    return (await store.count({})) === 0;
  } catch (error) {
    if (codeOf(error) === "UNAVAILABLE") return false;
    throw error;
  }
}

function configured(service: string, what: Collection, further?: "further"): Adapter {
  const database = env.databases[service as keyof typeof env.databases];
  if (database) return new mongo!.MongoStore(database.url, what, database.name);
  startThread();
  const file = further ? `${service}-${what.name}` : service;
  return new SqliteStore(join(env.dataDir, `${file}.sqlite`), what);
}

/** The part of moleculer-db's service that Souk uses. The library's own types demand a context, which these methods do not need. */
interface Database extends Service {
  adapter: Adapter;
  connect(): Promise<void>;
  _create(ctx: null, document: object): Promise<Stored>;
  _find(ctx: null, params: Find): Promise<Stored[]>;
}

/** The library declares a class, and exports a schema. */
const moleculerDb = DbService as unknown as ServiceSchema;

/** moleculer-db, with an adapter made for the service it is mixed into. */
const database = (what: Collection, open: Open) =>
  mixinOf<Database>({
    ...moleculerDb,
    collection: what.name,
    merged(schema: ServiceSchema & { adapter?: Adapter }) {
      schema.adapter = open(schema.name, what);
    },
    // Replaces the library's method, which repeats a failed connect forever: a broken file stays broken.
    started: moleculerDb.methods?.connect,
  });

/** moleculer-db calls this before each insert. */
function validatorOf({ name, document }: Collection) {
  const check = checker(document);
  return (doc: unknown) => {
    const problems = check(doc).map(({ field, message }) => `${field} ${message}`);
    if (problems.length > 0)
      throw new Error(`The document does not fit the schema of ${name}: ${problems.join("; ")}.`);
  };
}

/** The same checks on every adapter. Documents are checked when they are inserted, so stored documents have this type. */
function storeOf<Doc extends { _id: string }>(service: Database): Store<Doc> {
  return {
    ...operationsOf<Doc>(service.adapter),
    insert: async (doc) => (await service._create(null, doc)) as Doc,
    find: async (query, found) => (await service._find(null, toFind(query, found))) as Doc[],
  };
}

/** As `storeOf`, without moleculer-db, which has one collection for each service. */
function furtherStoreOf<Doc extends { _id: string }>(
  adapter: Adapter,
  what: Collection,
): Store<Doc> {
  const validate = validatorOf(what);
  return {
    ...operationsOf<Doc>(adapter),
    async insert(doc) {
      validate(doc);
      return (await adapter.insert(doc as unknown as Stored)) as unknown as Doc;
    },
    find: async (query, found) => (await adapter.find(toFind(query, found))) as unknown as Doc[],
  };
}

function toFind(query: Query, { sort = {}, limit, onEarlyEnd }: Found = {}): Find {
  const order = Object.entries(sort).map(([field, way]) => (way < 0 ? `-${field}` : field));
  return {
    query: checkQuery(query),
    sort: order,
    ...(limit !== undefined && { limit }),
    ...(onEarlyEnd && { onEarlyEnd }),
  };
}

const operationsOf = <Doc extends { _id: string }>(
  adapter: Adapter,
): Omit<Store<Doc>, "insert" | "find"> => ({
  one: async (query) => (await adapter.findOne(checkQuery(query))) as Doc | null,
  // The library's method forgets the limit.
  count: async (query, limit) =>
    adapter.count({ query: checkQuery(query), ...(limit !== undefined && { limit }) }),
  change: async (query, update) =>
    (await adapter.updateOne(checkQuery(query), toUpdate(update))) as Doc | null,
  changeMany: async (query, update) => adapter.updateMany(checkQuery(query), toUpdate(update)),
  remove: async (query) => (await adapter.removeOne(checkQuery(query))) as Doc | null,
  removeMany: async (query, limit) => adapter.removeMany(checkQuery(query), limit),
  ping: () => adapter.ping(),
  now: () => new Date(adapter.now()),
  skew: () => adapter.skew(),
});
