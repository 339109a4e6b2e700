import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { backlogPromises } from "../support/backlog-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** A file store. */
async function openSqlite() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SqliteStore } = await import("../../store/sqlite/adapter.ts");
  return (_service: string, what: ConstructorParameters<typeof SqliteStore>[1]) =>
    new SqliteStore(join(folder.path, "orders.sqlite"), what);
}

describe("a backlog, over files", () => backlogPromises(openSqlite));
