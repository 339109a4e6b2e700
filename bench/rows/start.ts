import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import type { Outcome, Row } from "../row.ts";
import { forSale, ids } from "../support/goods.ts";
import { leafOf, memoryOf } from "../support/process.ts";

const rounds = 5;
const many = 100_000;
/** How long it is idle before its memory is read (ms). */
const idle = 5_000;

export default {
  name: "start",
  what: "`npm start` until the market is ready, and what it weighs when idle",

  async run(): Promise<Outcome> {
    await started(); // the page is built at the first start of a new copy
    const empty = [];
    const full = [];
    for (let round = 0; round < rounds; round++) empty.push(await started());
    for (let round = 0; round < rounds; round++) full.push(await started(many));
    const [seconds, mb] = [empty.map((one) => one.seconds), empty.map((one) => one.mb)];
    return {
      figures: [
        { who: "souk", what: "npm start to ready", unit: "s", values: seconds },
        { who: "souk", what: "memory when idle", unit: "MB", values: mb },
        {
          who: `souk, ${many.toLocaleString("en")} items`,
          what: "npm start to ready",
          unit: "s",
          values: full.map((one) => one.seconds),
        },
        {
          who: `souk, ${many.toLocaleString("en")} items`,
          what: "memory when idle",
          unit: "MB",
          values: full.map((one) => one.mb),
        },
      ],
      ratios: [
        {
          name: "npm start to ready, s",
          against: "an absolute bound",
          values: seconds,
          goal: { atMost: 2 },
        },
        {
          name: "memory when idle, MB",
          against: "an absolute bound",
          values: mb,
          goal: { atMost: 150 },
        },
      ],
      notes: [
        "Each start is the first one in a new folder: it makes keys and the sample market, unless it has items.",
      ],
    };
  },
} satisfies Row;

async function started(items = 0): Promise<{ seconds: number; mb: number }> {
  const folder = temporaryFolder();
  if (items > 0) {
    const lines = [...forSale(items, ids(1_000))].map((item) => JSON.stringify(item));
    writeFileSync(join(folder.path, "items.db"), `${lines.join("\n")}\n`);
  }
  const port = await freePort(20_000);
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: folder.path, PORT: String(port), SOCKET_PORT: "0" };
  const begun = performance.now();
  const npm = spawn("npm", ["start"], { env, stdio: "ignore", detached: true });
  try {
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200;
    await eventually(isReady, { within: 60_000, every: 10 });
    const seconds = (performance.now() - begun) / 1000;
    await pause(idle);
    return { seconds, mb: memoryOf(leafOf(npm.pid!)) / 1e6 };
  } finally {
    // npm keeps SIGTERM to itself: its group gets it.
    process.kill(-npm.pid!, "SIGTERM");
    await once(npm, "exit");
    folder.remove();
  }
}
