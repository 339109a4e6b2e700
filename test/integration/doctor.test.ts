/** `npm run doctor` on an embedded market that runs, on copies of its files, and on what is no market. */
import { copyFileSync, openSync, readdirSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { doctor } from "../support/doctor.ts";
import { addressOf, startBroker, type TestBroker } from "../support/broker.ts";

let broker: TestBroker;
let folder: string;
const copy = temporaryFolder();

beforeAll(async () => {
  broker = await startBroker();
  folder = process.env.DATA_DIR!;
});
afterAll(async () => {
  await broker.stop();
  copy.remove();
});

function copyDatabase(name: string): void {
  const db = new DatabaseSync(join(folder, name), { readOnly: true });
  db.exec(`VACUUM INTO '${join(copy.path, name)}'`);
  db.close();
}

it("finds nothing wrong with a market that runs, and leaves no file", async () => {
  const before = readdirSync(folder).sort();
  const PORT = new URL(addressOf(broker, "api")).port;
  const { code, lines } = await doctor({ DATA_DIR: folder, PORT });
  expect(lines.filter((line) => line.startsWith("wrong"))).toEqual([]);
  expect(code).toBe(0);
  expect(lines.join("\n")).toMatch(/ok market The market runs and is ready/);
  expect(lines.join("\n")).toMatch(/ok market.sqlite items has the \d+ indexes of this version/);
  expect(lines.join("\n")).toMatch(/ok market.sqlite \d+ messages of its outbox are pending/);
  expect(readdirSync(folder).sort()).toEqual(before);
});

it("finds a damaged file, and one that is missing from the list, in a market that is stopped", async () => {
  const names = readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name));
  for (const name of names)
    if (name.endsWith(".sqlite")) copyDatabase(name);
    else copyFileSync(join(folder, name), join(copy.path, name));
  const file = join(copy.path, "market.sqlite");
  writeSync(openSync(file, "r+"), Buffer.alloc(8_192, 0xee), 0, 8_192, 4_096);
  renameSync(join(copy.path, "users.sqlite"), join(copy.path, "elsewhere"));
  const before = readdirSync(copy.path).sort();
  const { code, lines } = await doctor({ DATA_DIR: copy.path });
  expect(lines.join("\n")).toMatch(/wrong market.sqlite market.sqlite is damaged/);
  expect(lines.join("\n")).toMatch(/wrong users.sqlite .*users.sqlite is missing or empty/);
  expect(lines.join("\n")).toMatch(/note market The market is stopped/);
  expect(code).toBe(1);
  expect(readdirSync(copy.path).sort()).toEqual(before);
});

it("says that a folder holds no market, and makes none", async () => {
  const DATA_DIR = join(copy.path, "none");
  const { code, lines } = await doctor({ DATA_DIR });
  expect(lines.join("\n")).toMatch(/wrong settings There is no market in/);
  expect(code).toBe(1);
  expect(readdirSync(copy.path)).not.toContain("none");
});
