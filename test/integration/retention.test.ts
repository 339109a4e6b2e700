import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { Retention, type Sweep } from "../../store/retention.ts";
import { retentionPromises } from "../support/retention-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Files. */
async function openFiles() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SqliteStore } = await import("../../store/sqlite/adapter.ts");
  return (service: string, what: ConstructorParameters<typeof SqliteStore>[1]) =>
    new SqliteStore(join(folder.path, `${service}.sqlite`), what);
}

describe("retention, over files", () => retentionPromises(openFiles));

describe("the work of retention", () => {
  const logger = new ServiceBroker({ logger: false }).logger;
  const now = () => new Date();

  /** Steps of known length. */
  const slow = (steps: number, ms: number): Sweep => ({
    what: "things",
    async next(cursor = "0") {
      const end = performance.now() + ms;
      while (performance.now() < end);
      const done = Number(cursor) + 1;
      return { removed: 1, cursor: done < steps ? `${done}` : null };
    },
  });

  it("rests nine times as long as each step took", async () => {
    const rests: number[] = [];
    const rest = async (ms: number) => void rests.push(ms);
    await new Retention([slow(3, 20)], { now, logger, isMine: () => true, rest }).run();
    expect(rests).toHaveLength(2);
    for (const ms of rests) expect(ms).toBeGreaterThanOrEqual(9 * 20);
  });

  it("is left to another node when that one comes first, also half-way", async () => {
    let isMine = true;
    let rests = 0;
    const rest = async () => void (isMine = ++rests < 3);
    await new Retention([slow(10, 0)], { now, logger, isMine: () => isMine, rest }).run();
    expect(rests).toBe(3);
  });

  it("ends with the step that is being done when the node stops", async () => {
    const work = new Retention([slow(1_000, 1)], { now, logger, isMine: () => true });
    const running = work.run();
    await work.stop();
    await running;
  });
});
