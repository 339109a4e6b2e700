import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Node } from "../../bin/processes/node-process.ts";
import type { Outcome, Row } from "../row.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { disjoint, noticesOf } from "../support/data-set.ts";
import { soukEmbedded, type EmbeddedSystem } from "../support/embedded.ts";
import { fillNotices } from "../support/files.ts";
import { buysOf, copyManyItems, manyItems, sizeNote } from "../support/many-items.ts";
import { buyerTokens } from "../support/sales.ts";

const rounds = 3;
const unread = 100_000;
const readerOf = (round: number) => `reader-${round}`;
/** Time without requests, for comparison (ms). */
const idleMs = 3_000;
/** Pause between two probes (ms). */
const probeEvery = 20;

const delayReport = {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, "../support/loop-delay.ts")}`,
};

/** What may hold the event loop, in a round. */
const works: Record<string, (market: EmbeddedSystem, round: number) => Promise<unknown>> = {
  "nothing else": () => pause(idleMs),
  "a search that reads all items": ({ api }) =>
    fetch(`${api}/market/items?search=${disjoint.replace(" ", "+")}`).then(consumed),
  "200 buys and their checkpoints": buys,
  [`marking ${unread.toLocaleString("en")} notices as read`]: async ({ api, token }, round) =>
    fetch(`${api}/notifications/read`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await token(readerOf(round))}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ all: true }),
    }).then(consumed),
};

interface Measured {
  work: string;
  /** Of the work itself. */
  seconds: number;
  /** The longest time (ms) that the event loop was held, and that a request for an item took meanwhile. */
  delay: number;
  probe: number;
}

export default {
  name: "event-loop",
  description: `how long work on ${manyItems.toLocaleString("en")} items holds the event loop of an embedded market`,

  async run(): Promise<Outcome> {
    const market = await soukEmbedded(
      (folder) => {
        copyManyItems(folder);
        fillNotices(folder, unreadOfAll());
      },
      { env: delayReport },
    );
    const measured: Measured[] = [];
    try {
      for (let round = 0; round < rounds; round++)
        for (const work of Object.keys(works)) measured.push(await measure(market, work, round));
    } finally {
      await market.stop();
    }
    return outcome(measured);
  },
} satisfies Row;

function* unreadOfAll() {
  for (let round = 0; round < rounds; round++) yield* noticesOf(readerOf(round), unread, unread);
}

const consumed = async (response: Response) => {
  await response.text();
  return response.status;
};

async function buys({ api, token }: EmbeddedSystem, round: number) {
  const { path, count } = buysOf(round);
  const tokens = await buyerTokens(token, `buyers-${round}`);
  await runClosedLoop({ api, method: "POST", path, count, connections: 8, tokens });
}

async function measure(market: EmbeddedSystem, work: string, round: number): Promise<Measured> {
  await loopDelay(market.node);
  const [probed, end] = probing(market);
  const started = performance.now();
  await works[work]!(market, round);
  const seconds = (performance.now() - started) / 1000;
  end();
  return { work, seconds, delay: await loopDelay(market.node), probe: await probed };
}

/** Requests one item again and again until the end. Resolves with the longest time (ms). */
function probing({ api }: EmbeddedSystem): [Promise<number>, () => void] {
  let isEnded = false;
  const probe = async () => {
    let longest = 0;
    while (!isEnded) {
      const started = performance.now();
      await fetch(
        `${api}/market/items/${buysOf(0).path.split("/").at(-1)!.replace("#", "0")}`,
      ).then(consumed);
      longest = Math.max(longest, performance.now() - started);
      await pause(probeEvery);
    }
    return longest;
  };
  return [probe(), () => (isEnded = true)];
}

/** The longest delay since the last call (ms). */
async function loopDelay({ child, output }: Node): Promise<number> {
  const reports = () => [...output().matchAll(/^event-loop delay: (\S+)$/gm)];
  const before = reports().length;
  child.kill("SIGUSR2");
  await eventually(
    () => {
      if (reports().length === before) throw new Error("The process has not reported its delay.");
    },
    { within: 10_000 },
  );
  return Number(reports().at(-1)![1]);
}

function outcome(measured: Measured[]): Outcome {
  const names = Object.keys(works);
  const valuesOf = (work: string, field: "seconds" | "delay" | "probe") =>
    measured.filter((one) => one.work === work).map((one) => one[field]);
  return {
    figures: names.flatMap((work) => [
      { system: work, metric: "duration", unit: "s", values: valuesOf(work, "seconds") },
      { system: work, metric: "event loop held, max", unit: "ms", values: valuesOf(work, "delay") },
      { system: work, metric: "one item, max", unit: "ms", values: valuesOf(work, "probe") },
    ]),
    ratios: names.slice(1).map((work) => ({
      name: `event loop held, max, ms: ${work}`,
      against: "an absolute limit",
      values: valuesOf(work, "delay"),
      goal: { atMost: 50 },
    })),
    notes: [
      `A value is the longest time in which the market's event loop ran no other callback, in one round. During all of it one item is requested every ${probeEvery} ms. Other programs of the machine delay the loop too: "nothing else" shows by how much.`,
      ...sizeNote,
    ],
  };
}
