import nedb from "@seald-io/nedb";
import DbService from "moleculer-db";
import type { Service, ServiceBroker } from "moleculer";
import type { TSchema } from "typebox";
import { refusal } from "../broker/refusal.ts";
import { repaired } from "./nedb-file.ts";
import {
  DuplicateKey,
  type Adapter,
  type Collection,
  type Index,
  type Query,
  type Stored,
  type Update,
} from "./store.ts";

type Datastore = nedb.default<Stored>;
const Datastore = nedb as unknown as typeof nedb.default<Stored>;

/** The base has more methods, of which nothing here speaks; its own types say it does not exist. */
const MemoryAdapter = (
  DbService as unknown as { MemoryAdapter: new () => { broker: ServiceBroker; service?: Service } }
).MemoryAdapter;

/** The file grows with each write until it is written anew (ms). */
const compactEvery = 10 * 60_000;
/** A store whose file failed is loaded again at a call, but no more often than this (ms). */
const reloadEvery = 1000;

/** moleculer-db's own adapter, on a file of which each acknowledged write survives the death of the process. One process only. */
export class NedbStore extends MemoryAdapter implements Adapter {
  declare private db: Datastore;
  private readonly file: string;
  private readonly what: Collection;
  private line: Promise<unknown> = Promise.resolve();
  private compacting?: NodeJS.Timeout;
  /** "open" when memory and file are known to agree. */
  private state: "open" | "failed" | "closed" = "closed";
  private triedAt = 0;

  constructor(file: string, what: Collection) {
    super();
    this.file = file;
    this.what = what;
  }

  /** Rejects, with one sentence, when the file is broken or cannot be written. */
  async connect(): Promise<void> {
    await this.inLine(() => this.load());
    this.state = "open";
    this.compacting = setInterval(
      () => void this.inLine(() => this.compact()),
      compactEvery,
    ).unref();
  }

  /** Lets what was begun end, then leaves a compact file that the operating system has been told to write out. */
  async disconnect(): Promise<void> {
    clearInterval(this.compacting);
    await this.inLine(() => this.compact());
    this.state = "closed";
  }

  insert(doc: Stored): Promise<Stored> {
    return this.use((db) => db.insertAsync(doc), doc);
  }

  findOne(query: Query): Promise<Stored | null> {
    return this.use((db) => db.findOneAsync(toNedb(query, this.what)));
  }

  find({
    query,
    sort = [],
    limit = 0,
  }: {
    query: Query;
    sort?: string[];
    limit?: number;
  }): Promise<Stored[]> {
    const order = Object.fromEntries(
      sort.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : [field, 1])),
    );
    return this.use((db) =>
      db.findAsync(toNedb(query, this.what)).sort(order).limit(limit).execAsync(),
    );
  }

  count({ query }: { query: Query }): Promise<number> {
    return this.use((db) => db.countAsync(toNedb(query, this.what)).execAsync());
  }

  updateOne(query: Query, update: Update): Promise<Stored | null> {
    return this.use(async (db) => {
      const { affectedDocuments } = await db.updateAsync(toNedb(query, this.what), update, {
        returnUpdatedDocs: true,
      });
      return (affectedDocuments as Stored | undefined) ?? null;
    }, update.$set);
  }

  updateMany(query: Query, update: Update): Promise<number> {
    return this.use(
      async (db) =>
        (await db.updateAsync(toNedb(query, this.what), update, { multi: true })).numAffected,
      update.$set,
    );
  }

  removeOne(query: Query): Promise<Stored | null> {
    return this.use(async (db) => {
      const found = await db.findOneAsync(toNedb(query, this.what));
      if (found) await db.removeAsync({ _id: found._id }, {});
      return found;
    });
  }

  async ping(): Promise<void> {
    await this.use(async () => {});
  }

  /**
   * One at a time, so that nothing runs between a write that failed and the end of the store. `incoming` holds the values that a unique
   * index may refuse.
   */
  private use<T>(operation: (db: Datastore) => Promise<T>, incoming: unknown = {}): Promise<T> {
    return this.inLine(async () => {
      if (this.state === "failed") await this.reload();
      if (this.state !== "open") throw refusal("UNAVAILABLE");
      try {
        return await operation(this.db);
      } catch (error) {
        throw isFault(error)
          ? this.failed(error)
          : ((await this.duplicate(error, incoming as Stored)) ?? error);
      }
    });
  }

  private inLine<T>(task: () => Promise<T>): Promise<T> {
    const done = this.line.then(task);
    this.line = done.catch(() => {});
    return done;
  }

  /** NeDB changes its memory before it appends: after a failed append memory says what no restart would find, so nobody may read it. */
  private failed(cause: Error): Error {
    this.state = "failed";
    this.triedAt = Date.now();
    this.service?.logger.error(
      `${this.file} could not be written (${cause.message}): refusing calls until it can be loaded again`,
    );
    return refusal("UNAVAILABLE");
  }

  private async reload(): Promise<void> {
    if (Date.now() - this.triedAt < reloadEvery) return;
    this.triedAt = Date.now();
    try {
      await this.load();
      this.state = "open";
      this.service?.logger.info(`${this.file} is loaded again`);
    } catch (error) {
      this.service?.logger.debug((error as Error).message);
    }
  }

  private async load(): Promise<void> {
    const warning = await repaired(this.file);
    if (warning) this.service?.logger.warn(warning);
    const db = new Datastore({
      filename: this.file,
      corruptAlertThreshold: 0,
      ...oneLine,
      modes: { fileMode: 0o600, dirMode: 0o700 },
    });
    try {
      await db.loadDatabaseAsync();
      await ensureIndexes(db, this.what);
    } catch (error) {
      throw new Error(`${this.file} cannot be used as a database: ${(error as Error).message}.`, {
        cause: error,
      });
    }
    this.db = db;
  }

  private async compact(): Promise<void> {
    if (this.state !== "open") return;
    // A failure leaves the old file as it was.
    await this.db
      .compactDatafileAsync()
      .catch((error: unknown) =>
        this.service?.logger.warn(`${this.file} was not compacted: ${error}`),
      );
  }

  /** NeDB tells the value that was refused, not whose it was. */
  private async duplicate(error: unknown, incoming: Stored): Promise<DuplicateKey | undefined> {
    const { errorType, key } = error as { errorType?: string; key?: unknown };
    if (errorType !== "uniqueViolated") return undefined;
    for (const fields of uniques(this.what)) {
      const values = Object.fromEntries(
        fields.map((field) => [field, fields.length > 1 ? (key as Stored)?.[field] : key]),
      );
      const isIncoming = fields.some((field) => valueAt(incoming, field) === values[field]);
      if (isIncoming && (await this.db.countAsync(values)) > 0)
        return new DuplicateKey(fields.join(","));
    }
    return new DuplicateKey("_id");
  }
}

const uniques = ({ indexes }: Collection) => [
  ["_id"],
  ...indexes.filter(({ unique }) => unique).map(({ fields }) => fields),
];

const valueAt = (doc: Stored, path: string): unknown =>
  doc[path] ??
  path.split(".").reduce((value: unknown, step) => (value as Stored | undefined)?.[step], doc);

/** Of the file system, not of a query or an update that cannot be. */
const isFault = (error: unknown): error is Error =>
  typeof (error as NodeJS.ErrnoException)?.syscall === "string";

/** NeDB reads lines that end in any of Unicode's line ends, and JSON leaves these three as they are. */
const oneLine = {
  afterSerialization: (line: string) =>
    line.replace(
      /[\u0085\u2028\u2029]/g,
      (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  beforeDeserialization: (line: string) => line,
};

async function ensureIndexes(db: Datastore, what: Collection): Promise<void> {
  const wanted = what.indexes.flatMap((index) => toNedbIndex(index, what.document));
  const { indexes } = db as unknown as { indexes: Record<string, InMemory> };
  // NeDB keeps an index of the file as it was made, whatever is asked for now.
  for (const name of Object.keys(indexes)) if (name !== "_id") await db.removeIndexAsync(name);
  for (const index of wanted) await db.ensureIndexAsync(index as nedb.default.EnsureIndexOptions);
  Object.values(indexes).forEach(keepInPlace);
}

/** What NeDB has and does not declare. Those that share a key share an array, which `getMatching` returns itself. */
interface InMemory {
  fieldName: string;
  update(changed: Stored | Changed[], after?: Stored): void;
  getMatching(key: unknown): Stored[];
}
interface Changed {
  oldDoc: Stored;
  newDoc: Stored;
}

/** At each update NeDB takes the document out of every index and puts it back, which costs the more the more share its key. */
function keepInPlace(index: InMemory): void {
  const move = index.update.bind(index);
  index.update = (changed, after) => {
    const all = Array.isArray(changed) ? changed : [{ oldDoc: changed, newDoc: after! }];
    const [moved, kept] = [
      all.filter((one) => !hasSameKey(index, one)),
      all.filter((one) => hasSameKey(index, one)),
    ];
    move(moved); // throws when a unique index refuses it; then nothing may have changed
    for (const { oldDoc, newDoc } of kept) {
      const sharing = index.getMatching(valueAt(oldDoc, index.fieldName));
      sharing[sharing.indexOf(oldDoc)] = newDoc;
    }
  };
}

function hasSameKey({ fieldName }: InMemory, { oldDoc, newDoc }: Changed): boolean {
  const key = valueAt(oldDoc, fieldName);
  return ["string", "number"].includes(typeof key) && key === valueAt(newDoc, fieldName);
}

interface NedbIndex {
  fieldName: string[];
  unique: boolean;
  sparse: boolean;
}

/**
 * NeDB finds one field's values only, sorts without an index, and for equal keys slows down with their number: so of an index that is not
 * unique it gets the first field, unless that is a boolean, an array or an object; of one that few documents are in, the field they have.
 */
function toNedbIndex(
  { fields, unique = false, sparse = false, partial }: Index,
  document: TSchema,
): NedbIndex[] {
  if (unique) return [{ fieldName: fields, unique, sparse }];
  if (partial) return [{ fieldName: [partial], unique, sparse: true }];
  const isSelective = ["string", "integer", "number"].includes(typeAt(document, fields[0]!));
  return isSelective ? [{ fieldName: fields.slice(0, 1), unique, sparse: true }] : [];
}

function typeAt(document: TSchema, path: string): string {
  const found = path
    .split(".")
    .reduce<TSchema | undefined>(
      (schema, step) =>
        (schema as { properties?: Record<string, TSchema> } | undefined)?.properties?.[step],
      document,
    );
  return (found as { type?: string } | undefined)?.type ?? "";
}

/** The same query with MongoDB's meaning: NeDB tells null from missing, and asks $ne of any element of an array instead of all. */
export function toNedb(query: Query, what: Collection): Query {
  const plain: Query = {};
  const more: Query[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (key === "$or" || key === "$and")
      plain[key] = (value as Query[]).map((part) => toNedb(part, what));
    else if (value === null) more.push(isNull(key));
    else if (hasOperators(value)) {
      const { $ne, $in, $nin, $exists, ...rest } = value;
      // At the top, where NeDB looks for an index.
      const isPlainIn = $in !== undefined && !($in as unknown[]).includes(null);
      if (Object.keys(rest).length > 0 || isPlainIn)
        plain[key] = isPlainIn ? { ...rest, $in } : rest;
      if ($ne !== undefined) more.push({ $not: $ne === null ? isNull(key) : { [key]: $ne } });
      if ($in !== undefined && !isPlainIn) more.push(isIn(key, $in as unknown[]));
      if ($nin !== undefined) more.push({ $not: isIn(key, $nin as unknown[]) });
      if ($exists !== undefined) more.push($exists ? { $not: isMissing(key) } : isMissing(key));
    } else plain[key] = value;
  }
  return bestLast(plain, more, what);
}

const hasOperators = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).some((key) => key.startsWith("$"));
const isMissing = (key: string): Query => ({ [key]: { $exists: false } });
const isNull = (key: string): Query => ({ $or: [{ [key]: null }, isMissing(key)] });
const isIn = (key: string, values: unknown[]): Query =>
  values.includes(null)
    ? { $or: [{ [key]: { $in: values } }, isMissing(key)] }
    : { [key]: { $in: values } };

/** Of several fields that have an index NeDB takes the last one named. */
function bestLast(plain: Query, more: Query[], what: Collection): Query {
  const rank = new Map(
    uniques(what).flatMap((fields) =>
      fields.length === 1 ? [[fields[0]!, fields[0] === "_id" ? 2 : 1]] : [],
    ) as [string, number][],
  );
  const ordered = Object.entries(plain).sort(([a], [b]) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  const all =
    more.length > 0 ? [["$and", [...((plain.$and as Query[]) ?? []), ...more]] as const] : [];
  return Object.fromEntries([...ordered, ...all]);
}
