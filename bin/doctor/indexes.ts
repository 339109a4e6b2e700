/** Compares the indexes of a collection with those that this version declares. */
import type { Collection as MongoCollection, IndexDescription } from "mongodb";
import { toMongoIndex } from "../../store/mongo-indexes.ts";
import type { Collection } from "../../store/store.ts";
import { superseded } from "./collections.ts";
import { messageOf, type Findings } from "./finding.ts";

/** What an index is, without its name: the key, and the options that matter. */
const textOf = ({ key, unique, sparse, partialFilterExpression }: IndexDescription) =>
  JSON.stringify([key, unique === true, sparse === true, partialFilterExpression ?? null]);
const keyOf = ({ key }: IndexDescription) => JSON.stringify(key);
const isIn = (list: IndexDescription[], one: IndexDescription) =>
  list.some((other) => textOf(other) === textOf(one));

/** The differences between the indexes that a collection has and should have. */
export interface Differences {
  missing: IndexDescription[];
  /** MongoDB has one index of a key: one with other options keeps a node from making its own, and so from being ready. */
  wrong: IndexDescription[];
  /** Indexes of earlier versions. */
  superseded: IndexDescription[];
  /** Indexes that Souk never had. */
  foreign: IndexDescription[];
}

export function differencesOf(what: Collection, present: IndexDescription[]): Differences {
  const wanted = what.indexes.map(toMongoIndex);
  const former = (superseded[what.name] ?? []).map(toMongoIndex);
  const rest = present.filter((one) => one.name !== "_id_" && !isIn(wanted, one));
  const isWrong = (one: IndexDescription) => wanted.some((other) => keyOf(other) === keyOf(one));
  const useless = rest.filter((one) => !isWrong(one));
  return {
    missing: wanted.filter((one) => !isIn(present, one)),
    wrong: rest.filter(isWrong),
    superseded: useless.filter((one) => isIn(former, one)),
    foreign: useless.filter((one) => !isIn(former, one)),
  };
}

/** One difference in words, and how it is repaired. */
interface Repair {
  fact: string;
  change: () => Promise<unknown>;
}

function repairsOf(stored: MongoCollection, differences: Differences): Repair[] {
  const drop = (one: IndexDescription, fact: string): Repair => ({
    fact: `the index ${one.name} ${fact}`,
    change: () => stored.dropIndex(one.name!),
  });
  return [
    ...differences.wrong.map((one) => drop(one, "has other options than this version needs")),
    ...differences.superseded.map((one) =>
      drop(one, "is superseded: it costs each write and serves no query"),
    ),
    ...differences.missing.map((one) => ({
      fact: `the index of ${Object.keys(one.key).join(", ")} is missing`,
      change: () => stored.createIndexes([one]),
    })),
  ];
}

interface Options {
  findings: Findings;
  /** Whether superseded and wrong indexes are dropped, and missing ones created. */
  mayRepair: boolean;
}

export async function checkIndexes(
  stored: MongoCollection,
  what: Collection,
  { findings, mayRepair }: Options,
): Promise<void> {
  const { name, indexes } = what;
  const present = await presentIn(stored);
  if (!present)
    return findings.add("note", `There is no collection ${name} yet: no service has started here.`);
  const differences = differencesOf(what, present);
  const repairs = repairsOf(stored, differences);
  for (const { fact, change } of repairs)
    if (!mayRepair)
      findings.add("wrong", `${name}: ${fact}. \`npm run doctor -- --fix\` repairs it.`);
    else
      await change().then(
        () => findings.add("ok", `${name}: ${fact}. Repaired.`),
        (error: unknown) =>
          findings.add("wrong", `${name}: ${fact}. The repair failed: ${messageOf(error)}.`),
      );
  for (const one of differences.foreign)
    findings.add(
      one.unique ? "wrong" : "note",
      `${name}: the index ${one.name} is not Souk's. It costs each write${one.unique ? ", and refuses some" : ""}. Drop it if nobody needs it.`,
    );
  if (repairs.length + differences.foreign.length === 0)
    findings.add("ok", `${name} has the ${indexes.length} indexes of this version, and no other.`);
}

/** Undefined when there is no such collection. */
async function presentIn(stored: MongoCollection): Promise<IndexDescription[] | undefined> {
  try {
    return (await stored.indexes({ maxTimeMS: 3_000 })) as IndexDescription[];
  } catch (error) {
    if ((error as { code?: number }).code === 26) return undefined;
    throw error;
  }
}
