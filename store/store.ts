import type { TSchema } from "typebox";

/**
 * What both stores speak of MongoDB's query language: equality, RegExp, $ne, $in, $nin, $lt, $lte, $gt, $gte, $exists, $or, $and. `null`
 * means null or missing; anything else, and `undefined`, throws. On a field that holds an array use equality or a RegExp.
 */
export type Query = Record<string, unknown>;
/** And of its updates: $set, $unset, $inc, $push, $min, $max. */
export type Update = Record<string, unknown>;
type Order = Record<string, 1 | -1>;

export interface Index {
  /** All ascending: an index is read from either end, and not every database seeks in what descends (docs/decisions/008). */
  fields: string[];
  /** Unless it is sparse too: of a field that every document has. */
  unique?: boolean;
  /** Only documents that have one of the fields. */
  sparse?: boolean;
  /** Only documents that have this field, so that the others cost nothing; for queries that compare it. */
  partial?: string;
}

export interface Found {
  sort?: Order;
  limit?: number;
}

/** A collection: its name, the schema of its documents and its indexes. */
export interface Collection<Schema extends TSchema = TSchema> {
  name: string;
  document: Schema;
  indexes: Index[];
}

/** What moleculer-db's adapters take for a search. `sort` is a list of fields, descending with a leading "-". */
export interface Find {
  query: Query;
  sort?: string[];
  limit?: number;
}

/**
 * What a service does with its own documents: the same on NeDB files and on MongoDB. Documents are JSON: `undefined` is dropped, what is
 * not JSON throws, and what comes back is the caller's own copy. Every call ends within 3 s; a store that is away throws UNAVAILABLE, of
 * a write then nobody knows whether it was done: repeat it. A value that a unique index already has throws Duplicate.
 */
export interface Store<Doc extends { _id: string }> {
  /** A document that does not fit its schema is a mistake in the program: it throws a plain Error and writes nothing. */
  insert(doc: Doc): Promise<Doc>;
  /** Reads what a majority has, so never a write that might yet be undone. */
  one(query: Query): Promise<Doc | null>;
  find(query: Query, options?: Found): Promise<Doc[]>;
  count(query: Query): Promise<number>;
  /** One conditional write: of many callers at once, one matches. The document as it is after, or null when none matched. */
  change(query: Query, update: Update): Promise<Doc | null>;
  /** How many matched. Each document changes or does not; the call as a whole may end half-way. */
  changeMany(query: Query, update: Update): Promise<number>;
  /** The document that was, or null. */
  remove(query: Query): Promise<Doc | null>;
  /** Throws UNAVAILABLE when the database does not answer. */
  ping(): Promise<void>;
}

/** Another document has this value. In-process only: a service turns it into an error of the contract. */
export class DuplicateKey extends Error {
  /** `email`; of a compound index `userId,id`. */
  readonly field: string;
  constructor(field: string) {
    super(`another document has the same ${field}`);
    this.field = field;
  }
}

export type Stored = Record<string, unknown> & { _id: string };

/** The part of moleculer-db's adapters that the store stands on, and two conditional writes that they lack. */
export interface Adapter {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  insert(doc: Stored): Promise<Stored>;
  findOne(query: Query): Promise<Stored | null>;
  find(params: Find): Promise<Stored[]>;
  count(filters: { query: Query }): Promise<number>;
  updateMany(query: Query, update: Update): Promise<number>;
  updateOne(query: Query, update: Update): Promise<Stored | null>;
  removeOne(query: Query): Promise<Stored | null>;
  ping(): Promise<void>;
}
