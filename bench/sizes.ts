/**
 * Measures what a user, an item, a sale and a notice add to the files of an embedded market: `node bench/sizes.ts`. The figures are in
 * docs/scale.md, "Growth". Indexes are included; deleted rows are not, because the files are compacted before they are measured.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../bin/processes/node-process.ts";

const count = 2_000;
const folder = temporaryFolder();
Object.assign(process.env, {
  ...{ DATA_DIR: folder.path, AMQP_URL: "", MONGO_URL: "", PORT: "0", SOCKET_PORT: "0" },
  ...{ LOG_LEVEL: "error", RATE_SCALE: "100000" },
});
const { startNode } = await import("../bin/node.ts");
const { typedCall } = await import("../broker/context.ts");
const { newAccount } = await import("../domain/account.ts");
const { newSession } = await import("../domain/sessions.ts");
const broker = await startNode([], { started: () => {} });
const call = typedCall(broker);
const numbers = Array.from({ length: count }, (_, n) => n);

/** Bytes of a service's database after VACUUM, on a copy. */
function bytesOf(service: string): number {
  const copy = join(folder.path, `${service}-${performance.now()}.copy`);
  const db = new DatabaseSync(join(folder.path, `${service}.sqlite`), { readOnly: true });
  db.exec(`VACUUM INTO '${copy}'`);
  db.close();
  return statSync(copy).size;
}

async function measure(what: string, services: string[], each: (n: number) => Promise<unknown>) {
  const before = services.map(bytesOf);
  await Promise.all(numbers.map(each));
  const isDelivered = async () => (await call("market.outbox", { state: "pending" })).count === 0;
  while (!(await isDelivered())) await pause(100);
  const added = services.map(
    (name, n) => `${name} ${Math.round((bytesOf(name) - before[n]!) / count)} bytes`,
  );
  console.log(`${what}: ${added.join(", ")}`);
}

const as = (id: string) => ({ meta: { user: { id } } });
const ids: string[] = [];
const store = (
  broker.getLocalService("users") as never as { store: { insert(doc: object): Promise<unknown> } }
).store;
await measure("a user with one session", ["users"], (n) => {
  const user = {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    email: `somebody-${n}@example.com`,
    name: "Somebody",
  };
  const hashes = { family: "f".repeat(43), token: "t".repeat(43) };
  const sessions = {
    [`10000000-0000-4000-8000-${String(n).padStart(12, "0")}`]: newSession(hashes, new Date()),
  };
  return store.insert({
    ...newAccount(
      user,
      "$argon2id$v=19$m=19456,t=2,p=1$" + "s".repeat(22) + "$" + "h".repeat(43),
      new Date(),
    ),
    sessions,
  });
});
await measure("an item with a description of 100 letters", ["market"], async (n) => {
  const description = `A lamp of blue glass, made by hand in a small workshop, number ${n}, with a shade and a brass foot, as good`;
  ids.push(
    (
      await call(
        "market.offer",
        { title: `Lamp ${n}`, price: 4200, description },
        as("00000000-0000-4000-8000-000000000001"),
      )
    ).id,
  );
});
await measure("a sale", ["market", "notifications"], (n) =>
  call("market.buy", { id: ids[n]! }, as("00000000-0000-4000-8000-000000000002")),
);
await broker.stop();
folder.remove();
