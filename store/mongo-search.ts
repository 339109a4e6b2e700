/**
 * A search by words that reads a bounded number of documents. A query by several prefixes of an array's elements has no
 * bound by itself: MongoDB takes one of the prefixes from the index, fetches all its documents, and sorts them. Instead,
 * as on SQLite: if one of the prefixes has few documents, their ids are read and the query is limited to them. Otherwise
 * the list is read in its order, and each document is compared with the words.
 */
import type { Collection as MongoCollection, Sort } from "mongodb";
import type { Query, Stored } from "./store.ts";

/** With more matches than this, a prefix is frequent. */
const maxDriven = 1000;
/** Documents that a search of frequent prefixes reads of a list. */
const maxWalked = 3000;

export interface Search {
  /** One prefix each. */
  words: { field: string; prefix: RegExp }[];
  /** The conditions on other fields. */
  rest: Query;
  /** Fields, descending with a leading "-". */
  sort: string[];
  limit: number;
}

/** The result, and the values that it `reached` in the order if it ended early. */
interface Result {
  rows: Stored[];
  reached?: unknown[];
}

/** The parts of a query for words: conditions by RegExp, alone or in `$and`. Undefined for other queries. */
export function searchOf(query: Query, sort: string[], limit: number): Search | undefined {
  const { $and = [], ...others } = query as { $and?: Query[] } & Query;
  const parts = [
    ...($and as Query[]),
    ...Object.entries(others).map(([key, value]) => ({ [key]: value })),
  ];
  const words: Search["words"] = [];
  const rest: Query[] = [];
  for (const part of parts) {
    const [[field, prefix] = [], ...more] = Object.entries(part);
    if (prefix instanceof RegExp && more.length === 0) words.push({ field: field!, prefix });
    else rest.push(part);
  }
  if (words.length === 0 || sort.length === 0) return undefined;
  return { words, rest: rest.length > 0 ? { $and: rest } : {}, sort, limit };
}

/** `read` finds by a query, in the order and up to the limit of the search. */
export async function find(
  collection: MongoCollection<Stored>,
  search: Search,
  maxTimeMS: number,
  read: (query: Query) => Promise<Stored[]>,
): Promise<Result> {
  const { words, rest, limit } = search;
  const asked: Query = { $and: words.map(({ field, prefix }) => ({ [field]: prefix })) };
  const rare = await idsOfRare(collection, words, maxTimeMS);
  if (rare) return { rows: await read({ $and: [{ _id: { $in: rare } }, asked, rest] }) };
  const walk = (from: Query, most: number) =>
    collection
      .aggregate<Stored>(
        [
          { $match: from },
          { $sort: orderOf(search) },
          { $limit: most },
          { $match: asked },
          { $limit: limit },
        ],
        { maxTimeMS },
      )
      .toArray();
  const rows = await walk(rest, maxWalked);
  const end = rows.length < limit ? await lastWalked(collection, search, maxTimeMS) : undefined;
  if (!end) return { rows };
  // Documents that came or went since the first walk have moved the end. With it, the walk is the same again.
  const reached = search.sort.map((key) => end[named(key)[0]]);
  // Documents without the fields of the order come last or first, and no range has them.
  if (reached.some((value) => value == null)) return { rows: await read({ $and: [asked, rest] }) };
  const [field = "", isDescending] = named(search.sort[0]!);
  const until = { [field]: { [isDescending ? "$gte" : "$lte"]: end[field] } };
  const again = await walk({ $and: [rest, until] }, 2 * maxWalked);
  return {
    rows: again.filter((doc) => !isBeyond(doc, end, search.sort)),
    reached,
  };
}

/** The ids of the documents with the first prefix that has few. The words of a search come with the longest first. */
async function idsOfRare(
  collection: MongoCollection<Stored>,
  words: Search["words"],
  maxTimeMS: number,
): Promise<string[] | undefined> {
  for (const { field, prefix } of words) {
    const options = { projection: { _id: 1 }, limit: maxDriven + 1, maxTimeMS };
    const found = await collection.find({ [field]: prefix }, options).toArray();
    if (found.length <= maxDriven) return found.map(({ _id }) => _id);
  }
  return undefined;
}

/** The last document of the walk, with the fields of the order only; undefined if the list ends before. */
async function lastWalked(
  collection: MongoCollection<Stored>,
  search: Search,
  maxTimeMS: number,
): Promise<Stored | undefined> {
  const fields = search.sort.map((key) => [named(key)[0], 1] as const);
  const [last] = await collection
    .find(search.rest, { projection: Object.fromEntries(fields), maxTimeMS })
    .sort(orderOf(search))
    .skip(maxWalked - 1)
    .limit(1)
    .toArray();
  return last;
}

const named = (key: string): [field: string, isDescending: boolean] =>
  key.startsWith("-") ? [key.slice(1), true] : [key, false];

const orderOf = ({ sort }: Search) =>
  Object.fromEntries(
    sort.map(named).map(([field, isDescending]) => [field, isDescending ? -1 : 1]),
  ) as Extract<Sort, Record<string, unknown>> & Record<string, 1 | -1>;

function isBeyond(doc: Stored, end: Stored, sort: string[]): boolean {
  for (const [field, isDescending] of sort.map(named)) {
    const [value, last] = [doc[field], end[field]] as [string, string];
    if (value !== last) return value > last !== isDescending;
  }
  return false;
}
