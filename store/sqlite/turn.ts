/** One turn of an operation on a table. Most operations take one; long ones go on, and other operations run between their turns. */
import type { Operation, Outcome } from "./operations.ts";
import type { Table, Walk } from "./table.ts";

/** Documents that one turn of `updateMany` changes. */
const maxPerTurn = 500;
/** Turns of a bounded search: with its words counted, at most five times what one word may cost. */
const maxTurns = 3;
/** A search that takes longer has no answer: nobody waits for it any more (ms). */
const searchTimeout = 3000;

type Find = Operation & { type: "find" };
type UpdateMany = Operation & { type: "updateMany" };

/** A mass update that has changed some rows; these remain. */
interface UnfinishedUpdate {
  operation: UpdateMany;
  rowids: number[];
  matched: number;
}

/** A search that has not found enough yet. */
interface UnfinishedSearch {
  operation: Find;
  walk: Walk;
  /** When it began, by performance.now(). */
  since: number;
}

export type Unfinished = UnfinishedUpdate | UnfinishedSearch;
type Reading = Find | (Operation & { type: "count" }) | UnfinishedSearch;
type Ping = Operation & { type: "ping" };
type Writing = Exclude<Operation, Reading | Ping> | UnfinishedUpdate;
/** An operation, or what remains of one. */
export type Work = Reading | Writing | Ping;

export const isSearch = (work: Work): work is UnfinishedSearch => "walk" in work;

/** Whether it only reads, so that another process that writes the file does not hinder it, nor a full disk. */
export const isRead = (work: Work): work is Reading =>
  isSearch(work) || ("type" in work && ["find", "count"].includes(work.type));

export const isPing = (work: Work): work is Ping => "type" in work && work.type === "ping";

export function read(table: Table, work: Reading): Outcome | Unfinished {
  if (isSearch(work)) return find(table, work.operation, work);
  return work.type === "find"
    ? find(table, work)
    : { result: String(table.count(work.query, work.limit)) };
}

function find(
  table: Table,
  operation: Find,
  { walk, since = performance.now() }: Partial<UnfinishedSearch> = {},
): Outcome | Unfinished {
  if (performance.now() - since > searchTimeout) return { failure: { type: "late" } };
  const found = table.find(operation, walk);
  if (Array.isArray(found)) return { result: `[${found.join(",")}]` };
  if (!operation.isBounded || found.turns < maxTurns) return { operation, walk: found, since };
  return { result: `{"rows":[${found.found.join(",")}],"reached":${JSON.stringify(found.after)}}` };
}

export function write(table: Table, work: Writing): Outcome | Unfinished {
  if ("rowids" in work) return updateMany(table, work);
  switch (work.type) {
    case "insert":
      table.insert(work.doc);
      return { result: "null" };
    case "updateOne":
      return { result: table.update(work.query, work.update) ?? "null" };
    case "removeOne":
      return { result: table.remove(work.query) ?? "null" };
    case "removeMany":
      return removeMany(table, work);
    case "updateMany":
      return updateMany(
        table,
        { operation: work, rowids: table.rowids(work.query), matched: 0 },
        { isFresh: true },
      );
  }
}

/** In one turn: callers give a small limit. */
function removeMany(table: Table, { query, limit }: Operation & { type: "removeMany" }): Outcome {
  const removed = table.rowids(query, limit).filter((rowid) => table.remove({}, rowid) !== null);
  return { result: String(removed.length) };
}

/** `isFresh`: the rows were found in this transaction, so they still match. To ask each of many ids again would cost most. */
function updateMany(
  table: Table,
  { operation, rowids, matched }: UnfinishedUpdate,
  { isFresh = false } = {},
): Outcome | Unfinished {
  const { update } = operation;
  const query = isFresh ? {} : operation.query;
  const changed = rowids
    .slice(0, maxPerTurn)
    .filter((rowid) => table.update(query, update, rowid) !== null);
  const rest = rowids.slice(maxPerTurn);
  const total = matched + changed.length;
  return rest.length > 0 ? { operation, rowids: rest, matched: total } : { result: String(total) };
}
