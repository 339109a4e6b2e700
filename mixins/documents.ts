import DbService from "moleculer-db";
import type { Service, ServiceSchema } from "moleculer";
import { schema } from "../broker/provide.ts";
import { checker } from "../broker/validator.ts";
import { asDocument, fromStored, toQuery, toUpdate } from "../store/json.ts";
import type { Adapter, Collection, Store } from "../store/store.ts";

interface Collecting extends Service {
  adapter: Adapter & { init(broker: unknown, service: unknown): void };
  store: Store<{ _id: string }>;
  connect(): Promise<void>;
}

/** All that moleculer-db would publish: with these a caller could read and write whatever it likes. */
const closed = {
  find: false,
  count: false,
  list: false,
  create: false,
  insert: false,
  get: false,
  update: false,
  remove: false,
};

/** moleculer-db without its hooks: its `started` would retry for ever what cannot be mended, and never let a service start meanwhile. */
const database = {
  ...DbService,
  created: undefined,
  started: undefined,
  actions: closed,
} as unknown as Partial<ServiceSchema>;

/** `open` makes the adapter, of the service's name and the collection; it connects when the service starts. */
export function documents(
  what: Collection,
  open: (service: string, what: Collection) => Adapter,
): ServiceSchema {
  return schema<Collecting>({
    mixins: [database],

    created(this: Collecting) {
      this.adapter = open(this.name, what) as Collecting["adapter"];
      this.adapter.init(this.broker, this);
      this.store = storeOf(this.adapter, what);
    },

    async started(this: Collecting) {
      await this.connect();
    },
  });
}

/** The same checks before, and the same shapes after, on every adapter. */
function storeOf<Doc extends { _id: string }>(
  adapter: Adapter,
  { name, document }: Collection,
): Store<Doc> {
  const check = checker(document);
  const own = (stored: unknown) => fromStored(stored) as Doc;
  const ownOrNull = (stored: unknown) => stored && own(stored);
  return {
    async insert(doc) {
      const problems = check(doc);
      if (problems.length > 0)
        throw new Error(
          `not a document of ${name}: ${problems.map((p) => `${p.field} ${p.message}`).join("; ")}`,
        );
      return own(await adapter.insert(asDocument(doc)));
    },
    one: async (query) => ownOrNull(await adapter.findOne(toQuery(query))) as Doc | null,
    async find(query, { sort, limit } = {}) {
      const order =
        sort &&
        Object.entries(sort).map(([field, direction]) => (direction < 0 ? `-${field}` : field));
      return (await adapter.find({ query: toQuery(query), sort: order, limit })).map(own);
    },
    count: async (query) => adapter.count({ query: toQuery(query) }),
    change: async (query, update) =>
      ownOrNull(await adapter.updateOne(toQuery(query), toUpdate(update))) as Doc | null,
    changeMany: async (query, update) => adapter.updateMany(toQuery(query), toUpdate(update)),
    remove: async (query) => ownOrNull(await adapter.removeOne(toQuery(query))) as Doc | null,
    ping: () => adapter.ping(),
  };
}
