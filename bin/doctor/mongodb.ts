/** Checks the databases of services: reachable, writable, in time, with the indexes of this version, and their outboxes. */
import { MongoClient, type Collection as MongoCollection, type Db } from "mongodb";
import { pending, refused } from "../../domain/outbox.ts";
import { optionsFor } from "../../store/mongo-connection.ts";
import { maxSkewMs } from "../../store/reference-clock.ts";
import type { Collection } from "../../store/store.ts";
import { collections } from "./collections.ts";
import { findingsOf, messageOf, within, type Finding, type Findings } from "./finding.ts";
import { checkIndexes } from "./indexes.ts";
import { describeOutbox } from "./outbox.ts";
import type { Owner, Settings } from "./settings.ts";

/** The longest check of one database, without a repair, and with one: an index of a large collection takes time (ms). */
const [checkTimeoutMs, repairTimeoutMs] = [15_000, 3_600_000];
const selectionTimeoutMs = 3_000;
const maxTimeMS = 3_000;
/** The oldest major version that Souk is meant for. */
const oldestVersion = 6;

interface Hello {
  setName?: string;
  hosts?: string[];
  primary?: string;
  localTime?: Date;
}

export const checkDatabases = ({ databases }: Settings, mayRepair: boolean): Promise<Finding[]>[] =>
  Object.entries(databases).map(([owner, { url, name }]) =>
    findingsOf(
      `${owner}'s database`,
      mayRepair ? repairTimeoutMs : checkTimeoutMs,
      async (findings) => {
        const times = { serverSelectionTimeoutMS: selectionTimeoutMs };
        const client = new MongoClient(url, { ...optionsFor(url), ...times });
        try {
          await checkDatabase(client, client.db(name), findings);
          for (const what of collections[owner as Owner])
            await checkCollection(client.db(name).collection(what.name), what, {
              findings,
              mayRepair,
            });
        } catch (error) {
          findings.add(
            "wrong",
            `${hostsOf(client)} (${name}) cannot be used: ${messageOf(error)}.`,
          );
        } finally {
          await within(1_000, client.close()).catch(() => null);
        }
      },
    ),
  );

const hostsOf = ({ options: { hosts, srvHost } }: MongoClient) => hosts.join(",") || srvHost;

async function checkDatabase(client: MongoClient, db: Db, findings: Findings): Promise<void> {
  await client.connect();
  const { version } = (await db.command({ buildInfo: 1, maxTimeMS })) as { version: string };
  const isOld = Number.parseInt(version) < oldestVersion;
  findings.add(
    isOld ? "note" : "ok",
    `${hostsOf(client)} is MongoDB ${version}.${isOld ? ` Souk is tested with ${oldestVersion} and later.` : ""}`,
  );
  await checkClock(db, findings);
  await checkSet(client, db, findings);
  checkConcern(client, findings);
  const checks = { $inc: { checks: 1 } };
  await db
    .collection("health")
    .updateOne({ collection: "doctor" }, checks, { upsert: true, maxTimeMS })
    .then(
      () => findings.add("ok", "It accepts writes."),
      (error: unknown) => findings.add("wrong", `It accepts no write: ${messageOf(error)}.`),
    );
}

async function checkClock(db: Db, findings: Findings): Promise<void> {
  const began = Date.now();
  const { localTime } = (await db.command({ hello: 1, maxTimeMS })) as Hello;
  if (!localTime) return findings.add("unknown", "It does not say its time.");
  const skewMs = Math.round((began + Date.now()) / 2 - localTime.getTime());
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  if (Math.abs(skewMs) <= maxSkewMs)
    return findings.add("ok", "Its clock agrees with this machine's.");
  findings.add(
    "wrong",
    `This machine's clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} its clock.`,
  );
}

/** A replica set has members that may be down while calls still work. */
async function checkSet(client: MongoClient, db: Db, findings: Findings): Promise<void> {
  const { setName, hosts = [], primary } = (await db.command({ hello: 1, maxTimeMS })) as Hello;
  if (!setName)
    return findings.add(
      "note",
      "It is a standalone server: while it is down, the service is, and its disk is the only one.",
    );
  findings.add(
    primary ? "ok" : "wrong",
    `The replica set ${setName} has ${hosts.length} voting members and ${primary ? `the primary ${primary}` : "no primary"}.`,
  );
  if (hosts.length === 1)
    findings.add(
      "note",
      "A replica set of one member is no more available than a standalone server.",
    );
  try {
    const status = await client.db("admin").command({ replSetGetStatus: 1, maxTimeMS });
    const members = (status.members ?? []) as { name: string; health: number; stateStr: string }[];
    for (const { name, stateStr } of members.filter(({ health }) => health !== 1))
      findings.add("wrong", `The member ${name} of the replica set is ${stateStr}.`);
  } catch (error) {
    findings.add(
      "unknown",
      `The user may not read the state of the members (${messageOf(error)}). The role clusterMonitor allows it.`,
    );
  }
}

function checkConcern({ options }: MongoClient, findings: Findings): void {
  const { w, j, journal = j } = options.writeConcern ?? {};
  const isSafe = w === "majority" && journal !== false;
  findings.add(
    isSafe ? "ok" : "wrong",
    isSafe
      ? "Writes are acknowledged by the journals of a majority."
      : `The URL asks for the write concern w=${w}, journal=${journal}: acknowledged sales can be lost. Remove w and journal from it.`,
  );
}

async function checkCollection(
  stored: MongoCollection,
  what: Collection,
  { findings, mayRepair }: { findings: Findings; mayRepair: boolean },
): Promise<void> {
  await checkIndexes(stored, what, { findings, mayRepair });
  if (!what.indexes.some(({ fields }) => fields[0] === "outbox.dueAt")) return;
  const due = { sort: { "outbox.dueAt": 1 }, maxTimeMS } as const;
  const [waiting, dead, oldest] = await Promise.all([
    stored.countDocuments(pending, { maxTimeMS }),
    stored.countDocuments(refused, { maxTimeMS }),
    stored.findOne(pending, due) as Promise<{ outbox?: { dueAt?: string } } | null>,
  ]);
  describeOutbox({ pending: waiting, refused: dead, oldestDueAt: oldest?.outbox?.dueAt }, findings);
}
