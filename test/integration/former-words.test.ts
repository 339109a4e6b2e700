import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { formerWordsPromises } from "../support/former-words-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** A file. */
async function openFile() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SqliteStore } = await import("../../store/sqlite/adapter.ts");
  return (_service: string, what: ConstructorParameters<typeof SqliteStore>[1]) =>
    new SqliteStore(join(folder.path, "items.sqlite"), what);
}

describe("former words, over files", () => formerWordsPromises(openFile));
