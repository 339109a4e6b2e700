import type { Static, TSchema } from "typebox";
import type { Sweep } from "./retention.ts";

/**
 * A query in the part of MongoDB's language that every database here supports: equality, RegExp, $ne, $in, $nin, $lt,
 * $lte, $gt, $gte, $exists, $or, $and. `null` matches null and missing. Any other operator, and `undefined`,
 * throws. On a field that holds an array, use equality or a RegExp; on its first element (`words.0`) any condition, if
 * an index names it.
 */
export type Query = Record<string, unknown>;
/** An update with $set, $unset, $inc, $push, $min or $max. */
export type Update = Record<string, unknown>;
type Order = Record<string, 1 | -1>;

export interface Index {
  /** All ascending: a database reads an index from either end. First the equal fields of the queries, then their order (decision 013). */
  fields: string[];
  /** Every document must have the fields, unless the index is sparse too. */
  unique?: boolean;
  /** Only documents that have one of the fields. */
  sparse?: boolean;
  /** Only documents that have this field: the rest cost nothing. It serves queries that compare the field. */
  partial?: string;
}

export interface Found {
  sort?: Order;
  limit?: number;
  /**
   * Permits a search to end before its limit, after a bounded number of documents were read: it is called then, before the
   * result, with the values that the last of them has in the fields of the order.
   */
  onEarlyEnd?: OnEarlyEnd;
}

type OnEarlyEnd = (reached: unknown[]) => void;

/** A collection: its name, the schema of its documents and its indexes. */
export interface Collection<Schema extends TSchema = TSchema> {
  name: string;
  document: Schema;
  indexes: Index[];
  /** What ends of its documents. `keepDays` is the setting KEEP_DAYS. */
  sweeps?(store: Store<Extract<Static<Schema>, { _id: string }>>, keepDays: number): Sweep[];
}

/** The search parameters of moleculer-db's adapters. `sort` is a list of fields, descending with a leading "-". */
export interface Find {
  query: Query;
  sort?: string[];
  limit?: number;
  onEarlyEnd?: OnEarlyEnd;
}

/**
 * A service's own documents, with the same results on every database. Fields that are `undefined` are not
 * stored, and results are copies. Every call ends within 3 s. An unavailable database throws UNAVAILABLE; whether
 * a write was done is then unknown, and the caller repeats it. A duplicate in a unique index throws DuplicateKey.
 */
export interface Store<Doc extends { _id: string }> {
  /** Throws an Error and writes nothing when the document does not fit its schema, which is a mistake in the program. */
  insert(doc: Doc): Promise<Doc>;
  /** Reads writes that a majority has, so never one that may be rolled back. */
  one(query: Query): Promise<Doc | null>;
  find(query: Query, options?: Found): Promise<Doc[]>;
  /** The number of documents that match, or `limit` if they are more: reads no more keys than that. */
  count(query: Query, limit?: number): Promise<number>;
  /** One conditional write: of many concurrent callers, one matches. Returns the document after the change, or null when none matched. */
  change(query: Query, update: Update): Promise<Doc | null>;
  /** Returns how many matched. Each document changes atomically; the call as a whole may end half-way. */
  changeMany(query: Query, update: Update): Promise<number>;
  /** Removes one document and returns it, or null when none matched. */
  remove(query: Query): Promise<Doc | null>;
  /** Removes up to `limit` documents that match, in no particular order, and returns their number. The limit bounds the time of the write. */
  removeMany(query: Query, limit: number): Promise<number>;
  /** Throws UNAVAILABLE unless the database accepts a write now. */
  ping(): Promise<void>;
  /** The time for what is stored. The clock of the database's server decides while this node's own differs by more than 2 s. */
  now(): Date;
  /** How far this node's clock is ahead of the database's (ms). */
  skew(): number;
}

/** Another document has the same value in a unique index. In-process only: a service turns it into an error of the contract. */
export class DuplicateKey extends Error {
  /** `email`; of a compound index `userId,id`. */
  readonly field: string;
  constructor(field: string) {
    super(`Another document has the same ${field}.`);
    this.field = field;
  }
}

export type Stored = Record<string, unknown> & { _id: string };

/** The connections of a driver to its database. */
export interface Connections {
  open: number;
  used: number;
  /** Operations that wait for one. */
  waiting: number;
}

/** The part of moleculer-db's adapters that the store uses, and two conditional writes that they lack. */
export interface Adapter {
  /** Before `connect`, with the service that it belongs to. */
  init(broker: object, service: object): void;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  insert(doc: Stored): Promise<Stored>;
  findOne(query: Query): Promise<Stored | null>;
  find(params: Find): Promise<Stored[]>;
  count(filters: { query: Query; limit?: number }): Promise<number>;
  updateMany(query: Query, update: Update): Promise<number>;
  updateOne(query: Query, update: Update): Promise<Stored | null>;
  removeOne(query: Query): Promise<Stored | null>;
  removeMany(query: Query, limit: number): Promise<number>;
  ping(): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  skew(): number;
  /** The connections to the database, counted from the first call on. Undefined where there are none. */
  connections?(): () => Connections;
  /** Why it will serve no call in this process any more, in the words that follow "the store". Undefined while it may. */
  readonly fault: string | undefined;
}
