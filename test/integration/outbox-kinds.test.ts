import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { outboxKindsPromises } from "../support/outbox-kinds-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** A file store. */
async function openSqlite() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SqliteStore } = await import("../../store/sqlite/adapter.ts");
  return (_service: string, what: ConstructorParameters<typeof SqliteStore>[1]) =>
    new SqliteStore(join(folder.path, "orders.sqlite"), what);
}

describe("an outbox of several kinds, over files", () => outboxKindsPromises(1, openSqlite));
