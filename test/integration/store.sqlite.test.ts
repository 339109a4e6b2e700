import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import { storePromises, type things } from "../support/store-promises.ts";

const dir = mkdtempSync(join(tmpdir(), "souk-sqlite-"));
const fileOf = (name: string) => join(dir, `${name}.sqlite`);
const open = (what: ReturnType<typeof things>) => new SqliteStore(fileOf(what.name), what);

afterAll(() => rmSync(dir, { recursive: true }));

describe("a store in a SQLite file", () => {
  describe("keeps the promises of a store:", () => storePromises(open));
});
