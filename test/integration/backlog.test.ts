import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { backlogPromises } from "../support/backlog-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** A file store. */
async function openNedb() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { NedbStore } = await import("../../store/nedb.ts");
  return (_service: string, what: ConstructorParameters<typeof NedbStore>[1]) =>
    new NedbStore(join(folder.path, "orders.db"), what);
}

describe("a backlog, over files", () => backlogPromises(openNedb));
