/** The embedded store under power cuts: what it acknowledged survives, whatever else the disk lost. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { seeded, shuffled } from "../chaos/random.ts";
import { check, during, write } from "../faults/chain-store.ts";
import { Disk } from "../faults/disk.ts";
import type { Change } from "../faults/history.ts";

const scale = Number(process.env.DURABILITY_SCALE ?? 1);
const folder = temporaryFolder();
let disk: Disk;
let tests = 0;
beforeEach(() => {
  const path = join(folder.path, `${tests++}`);
  mkdirSync(path);
  disk = new Disk(path);
});
afterEach(() => disk.remove());
afterAll(() => folder.remove());

/** A check opens the store, which changes the files: those of the disk must stay as the disk knows them. */
function checkCopy(printed: string): void {
  const copy = `${disk.folder}-copy`;
  cpSync(disk.folder, copy, { recursive: true });
  check(printed, copy);
  rmSync(copy, { recursive: true });
}

describe("a store in an SQLite file", () => {
  it("has every acknowledged write, and none by half, after a power cut at any moment", async () => {
    await write(disk, "a", { steps: 40 });
    await disk.eachPowerCut(150 * scale, 1, (printed, found, cut) =>
      during(cut, () => check(printed, found)),
    );
  }, 600_000);

  it("has them when it is killed and the power fails, again and again", async () => {
    const random = seeded(2);
    let printed = "";
    for (let round = 0; round < 5 * scale; round++) {
      const lines = 50 + Math.floor(random() * 1500);
      printed += await write(disk, `r${round}`, { lines });
      const seed = Math.floor(random() * 1e6);
      disk.powerCut(seed);
      during(`round ${round}, seed ${seed}`, () => checkCopy(printed));
    }
  }, 600_000);

  it("has what it returned after a kill, when the power fails later", async () => {
    await write(disk, "a", { steps: 20 });
    const history = disk.history();
    const syncs = [...history.keys()].filter((n) => history[n]!.kind === "sync");
    for (const moment of shuffled(syncs, seeded(3)).slice(0, 10 * scale)) {
      disk.restart(history.slice(0, moment));
      const seen = await write(disk, "a", { steps: 0 });
      disk.powerCut(0);
      during(`killed before change ${moment}`, () => checkCopy(printedIn(history, moment) + seen));
    }
  }, 600_000);
});

const printedIn = (history: Change[], moment: number) =>
  history
    .slice(0, moment)
    .map(({ kind, data }) => (kind === "print" ? `${data}` : ""))
    .join("");
