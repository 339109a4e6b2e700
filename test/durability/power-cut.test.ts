/** Power cuts and failing calls under SQLite itself, which shows that the tests find a database that is not durable, and under the store. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { check, during, write } from "../faults/chain-store.ts";
import type { Fault } from "../faults/control.ts";
import { Disk } from "../faults/disk.ts";

const folder = temporaryFolder();
let disk: Disk;
let rounds = 0;
beforeEach(() => {
  const path = join(folder.path, `${rounds++}`);
  mkdirSync(path);
  disk = new Disk(path);
});
afterEach(() => disk.remove());
afterAll(() => folder.remove());

/** Runs the writer to its end. Returns what it printed. */
function writeRows(synchronous: string, count: number): string {
  const writer = join(import.meta.dirname, "../faults/sqlite-writer.ts");
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [writer, disk.folder, synchronous, `${count}`],
    {
      env: { ...process.env, ...disk.environment() },
      encoding: "utf8",
    },
  );
  if (stderr) throw new Error(stderr);
  return stdout;
}

/** The ids that were acknowledged and are lost, or "broken" when the database cannot be read. */
function lost(printed: string, found: string): number[] | "broken" {
  const acknowledged = printed.split("\n").filter(Boolean).map(Number);
  if (acknowledged.length === 0) return [];
  try {
    const database = new DatabaseSync(join(found, "rows.sqlite"));
    const ids = new Set(
      database
        .prepare("SELECT id FROM rows")
        .all()
        .map(({ id }) => id),
    );
    const [check] = database.prepare("PRAGMA integrity_check").all();
    database.close();
    return check!.integrity_check === "ok" ? acknowledged.filter((id) => !ids.has(id)) : "broken";
  } catch {
    return "broken";
  }
}

describe("a power cut under the tests", () => {
  it("loses no row that SQLite has synced", async () => {
    writeRows("FULL", 150);
    await disk.eachPowerCut(100, 1, (printed, found, cut) =>
      expect([cut, lost(printed, found)]).toEqual([cut, []]),
    );
  });

  it.each(["OFF", "NORMAL"])(
    "loses rows that SQLite writes with synchronous=%s",
    async (synchronous) => {
      writeRows(synchronous, 150);
      let losses = 0;
      await disk.eachPowerCut(30, 1, (printed, found) => {
        if (lost(printed, found).length > 0) losses++;
      });
      expect(losses).toBeGreaterThan(5);
    },
  );

  it("keeps what is not synced when only the process ended, and loses it when the power fails after a restart", () => {
    const printed = writeRows("OFF", 20);
    disk.restart();
    expect(lost(printed, disk.folder)).toEqual([]);
    disk.powerCut(0);
    expect(lost(printed, disk.folder)).not.toEqual([]);
  });

  it("keeps the files that were there before", () => {
    const file = join(disk.folder, "old");
    writeFileSync(file, "old");
    const later = new Disk(disk.folder);
    later.powerCut(0);
    later.remove();
    expect(readFileSync(file, "utf8")).toBe("old");
  });
});

describe("the embedded store", () => {
  it("has every acknowledged write, and none by half, after a power cut at any moment", async () => {
    await write(disk, "a", { steps: 15 });
    await disk.eachPowerCut(40, 1, (printed, found, cut) =>
      during(cut, () => check(printed, found)),
    );
  });
});

describe("a call that fails", () => {
  const write50 = (fault: Fault) => {
    disk.fail(fault);
    return writeRows("FULL", 50)
      .split("\n")
      .filter((line) => line.includes("failed"));
  };

  it.each<[string, Fault, string]>([
    [
      "a full disk",
      { operations: ["write", "extend"], error: "ENOSPC", first: 60, count: 1 },
      "13",
    ],
    ["a failed sync", { operations: ["sync"], error: "EIO", first: 20, count: 1 }, "1034"],
    [
      "a lock that another process holds",
      { operations: ["lock"], error: "EAGAIN", first: 60, count: 1, path: "-shm" },
      "5",
    ],
  ])("is seen by SQLite once: %s", (_name, fault, code) => {
    const failed = write50(fault);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(new RegExp(`failed: ${code}$`));
    expect(disk.failed()).toHaveLength(1);
  });
});
