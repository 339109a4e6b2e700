import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import type { Outcome, Row } from "../row.ts";
import { copyManyItems, manyItems, sizeNote } from "../support/many-items.ts";
import { leafOf, residentMemory } from "../support/process.ts";
import { rounds } from "../support/rounds.ts";

/** Idle time before memory is read (ms). */
const idle = 5_000;

interface Measured {
  seconds: number;
  mb: number;
}
interface Market {
  name: string;
  command: string[];
  prepare(folder: string): void;
  atMost: { seconds?: number; mb?: number };
}

/** What `npm start` runs. */
const launch = ["bin/launch.sh", "bin/service.ts"];
const samples = () => {};
const markets: Market[] = [
  {
    name: "souk, 12 items",
    command: launch,
    prepare: samples,
    atMost: { seconds: 0.5, mb: 110 },
  },
  { name: "souk by npm start, 12 items", command: ["npm", "start"], prepare: samples, atMost: {} },
  {
    name: `souk, ${manyItems.toLocaleString("en")} items`,
    command: launch,
    prepare: copyManyItems,
    atMost: { seconds: 1, mb: 160 },
  },
];

export default {
  name: "start",
  description: "an embedded market from its start until it is ready, and its memory when idle",

  async run(): Promise<Outcome> {
    // Round 0 of a fresh copy also builds the page.
    const measured = await rounds(markets, start);
    const all = markets.map((market) => ({
      ...market,
      seconds: measured.get(market)!.map(({ seconds }) => seconds),
      mb: measured.get(market)!.map(({ mb }) => mb),
    }));
    return {
      figures: all.flatMap(({ name: system, seconds, mb }) => [
        { system, metric: "start to ready", unit: "s", values: seconds },
        { system, metric: "memory when idle", unit: "MB", values: mb },
      ]),
      ratios: all.flatMap(({ name, seconds, mb, atMost }) => [
        ...limit(`start to ready, s: ${name}`, seconds, atMost.seconds),
        ...limit(`memory when idle, MB: ${name}`, mb, atMost.mb),
      ]),
      notes: [
        "Each start is the first one in a new folder: it creates keys, and the sample market unless there are items. The files are in the page cache.",
        "The start is the command that `npm start` runs, bin/launch.sh; npm itself takes the rest.",
        ...sizeNote,
      ],
    };
  },
} satisfies Row;

const limit = (name: string, values: number[], atMost?: number) =>
  atMost === undefined ? [] : [{ name, against: "an absolute limit", values, goal: { atMost } }];

async function start({ command: [file, ...args], prepare }: Market): Promise<Measured> {
  const folder = temporaryFolder();
  prepare(folder.path);
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: folder.path, PORT: String(port), SOCKET_PORT: "0" };
  const started = performance.now();
  const child = spawn(file!, args, { env, stdio: "ignore", detached: true });
  try {
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200;
    await eventually(isReady, { within: 60_000, every: 10 });
    const seconds = (performance.now() - started) / 1000;
    await pause(idle);
    return { seconds, mb: residentMemory(leafOf(child.pid!)) / 1e6 };
  } finally {
    // npm does not forward SIGTERM, so the whole process group gets it.
    process.kill(-child.pid!, "SIGTERM");
    await once(child, "exit");
    folder.remove();
  }
}
