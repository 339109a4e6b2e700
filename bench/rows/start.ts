import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import type { Figure, Outcome, Row } from "../row.ts";
import { forSale, ids } from "../support/data-set.ts";
import { leafOf, residentMemory } from "../support/process.ts";

const rounds = 5;
const manyItems = 100_000;
/** Idle time before memory is read (ms). */
const idle = 5_000;

interface Start {
  seconds: number;
  mb: number;
}

export default {
  name: "start",
  description: "`npm start` until the market is ready, and its memory when idle",

  async run(): Promise<Outcome> {
    await start(); // the first start of a fresh copy also builds the page
    const empty: Start[] = [];
    const full: Start[] = [];
    for (let round = 0; round < rounds; round++) empty.push(await start());
    for (let round = 0; round < rounds; round++) full.push(await start(manyItems));
    const limit = (name: string, values: number[], atMost: number) => ({
      name,
      against: "an absolute limit",
      values,
      goal: { atMost },
    });
    return {
      figures: [
        ...figures("souk", empty),
        ...figures(`souk, ${manyItems.toLocaleString("en")} items`, full),
      ],
      ratios: [
        limit(
          "npm start to ready, s",
          empty.map(({ seconds }) => seconds),
          2,
        ),
        limit(
          "memory when idle, MB",
          empty.map(({ mb }) => mb),
          150,
        ),
      ],
      notes: [
        "Each start is the first one in a new folder: it creates keys, and the sample market unless there are items.",
      ],
    };
  },
} satisfies Row;

const figures = (system: string, starts: Start[]): Figure[] => [
  {
    system,
    metric: "npm start to ready",
    unit: "s",
    values: starts.map(({ seconds }) => seconds),
  },
  { system, metric: "memory when idle", unit: "MB", values: starts.map(({ mb }) => mb) },
];

async function start(items = 0): Promise<Start> {
  const folder = temporaryFolder();
  if (items > 0) {
    const lines = [...forSale(items, ids(1_000))].map((item) => JSON.stringify(item));
    writeFileSync(join(folder.path, "items.db"), `${lines.join("\n")}\n`);
  }
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: folder.path, PORT: String(port), SOCKET_PORT: "0" };
  const started = performance.now();
  const npm = spawn("npm", ["start"], { env, stdio: "ignore", detached: true });
  try {
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200;
    await eventually(isReady, { within: 60_000, every: 10 });
    const seconds = (performance.now() - started) / 1000;
    await pause(idle);
    return { seconds, mb: residentMemory(leafOf(npm.pid!)) / 1e6 };
  } finally {
    // npm does not forward SIGTERM, so the whole process group gets it.
    process.kill(-npm.pid!, "SIGTERM");
    await once(npm, "exit");
    folder.remove();
  }
}
