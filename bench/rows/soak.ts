import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import type { TimedResponse } from "../load/open-loop.ts";
import { median, percentile } from "../report.ts";
import type { Outcome, Ratio, Row } from "../row.ts";
import { heapOf, heapReport } from "../support/heap.ts";
import { countByStatus, runOpenLoop } from "../support/open-loop.ts";
import { addresses, defaultLimits, measurePeak, userTokens } from "../support/peak.ts";
import { allDelivered, insertItems, itemSet } from "../support/sales.ts";
import type { Sample } from "../support/sampler.ts";
import { souk, type System } from "../support/systems.ts";

const seconds = Number(process.env.SOAK_SECONDS || 300);
const share = 0.8;
/** Connection pools and compiled code fill in the first fifth (s). The second fifth is compared with the last. */
const fifth = Math.floor(seconds / 5);

interface NodeMeasurement {
  role: string;
  /** One per second, without the first fifth. */
  samples: Sample[];
  /** Live heap after two fifths, and at the end (bytes). */
  earlyHeap: number;
  finalHeap: number;
}

export default {
  name: "soak",
  description: `${seconds} seconds at ${share * 100} % of the peak`,

  async run(): Promise<Outcome> {
    if (!(seconds >= 30)) throw new Error("SOAK_SECONDS must be at least 30.");
    const folder = temporaryFolder();
    const sampler = join(import.meta.dirname, "../support/sampler.ts");
    const market = await souk((role) => ({
      ...defaultLimits,
      NODE_OPTIONS: `${heapReport.NODE_OPTIONS} --import ${sampler}`,
      SAMPLE_FILE: join(folder.path, role),
    }));
    try {
      const tokens = await userTokens(market);
      const perSecond = share * (await peakOf(market, tokens));
      return await soak(market, tokens, perSecond, folder.path);
    } finally {
      await market.stop();
      folder.remove();
    }
  },
} satisfies Row;

async function peakOf(market: System, tokens: string[]): Promise<number> {
  const peaks: number[] = [];
  for (const run of ["warm-up-1", "warm-up-2", "peak-1", "peak-2", "peak-3"])
    peaks.push((await measurePeak(market, tokens, run)).delivered);
  return median(peaks.slice(2));
}

async function soak(
  market: System,
  tokens: string[],
  perSecond: number,
  sampleFolder: string,
): Promise<Outcome> {
  const items = itemSet("soak", Math.round(perSecond * seconds));
  await insertItems(market, items);
  const samplesOf = (role: string) =>
    readFileSync(join(sampleFolder, role), "utf8").split("\n").filter(Boolean);
  const skipped = samplesOf("api").length;
  const roles = Object.keys(market.nodes);
  const heaps = () => Promise.all(roles.map((role) => heapOf(market.nodes[role]!)));
  const early = pause(2_000 * fifth).then(heaps);
  early.catch(() => {}); // when the load fails first, that error is the one to report
  const { api } = market;
  const { path, count } = items;
  const responses = await runOpenLoop({ api, path, count, perSecond, tokens, addresses });
  const statuses = countByStatus(responses);
  const { 200: sold = 0, 503: refused = 0, ...failed } = statuses;
  if (Object.keys(failed).length > 0)
    throw new Error(`Not every response has status 200 or 503: ${JSON.stringify(statuses)}.`);
  await allDelivered(market, { ...items, count: sold });
  const [earlyHeaps, finalHeaps] = [await early, await heaps()];
  const nodes = roles.map((role, n) => ({
    role,
    samples: samplesOf(role)
      .slice(skipped)
      .slice(fifth, seconds)
      .map((line) => JSON.parse(line) as Sample),
    earlyHeap: earlyHeaps[n]!,
    finalHeap: finalHeaps[n]!,
  }));
  return outcome(perSecond, (100 * refused) / count, responses, nodes);
}

function outcome(
  perSecond: number,
  refusedPercent: number,
  responses: TimedResponse[],
  nodes: NodeMeasurement[],
): Outcome {
  const sales = responses.filter(({ status }) => status === 200);
  const p99 = percentile(
    sales.map(({ durationMs }) => durationMs),
    0.99,
  );
  return {
    figures: [
      { system: "souk", metric: "buys offered", unit: "1/s", values: [perSecond] },
      { system: "souk", metric: "refused", unit: "%", values: [refusedPercent] },
      { system: "souk", metric: "response, p99", unit: "ms", values: [p99] },
      ...nodes.flatMap(nodeFigures),
    ],
    ratios: nodes.flatMap(nodeRatios),
    notes: [
      "One round. Every response had status 200, or 503 where the database was slower for a while, and the notice of every sale was delivered. The figures of nodes have one value per second. SOAK_SECONDS sets the duration.",
    ],
  };
}

const nodeFigures = ({ role, samples, earlyHeap, finalHeap }: NodeMeasurement) => [
  {
    system: role,
    metric: "live heap, early and at the end",
    unit: "MB",
    values: [earlyHeap / 1e6, finalHeap / 1e6],
  },
  {
    system: role,
    metric: "resident memory",
    unit: "MB",
    values: samples.map(({ rss }) => rss / 1e6),
  },
  {
    system: role,
    metric: "event-loop delay, p99 of each second",
    unit: "ms",
    values: samples.map(({ delay }) => delay),
  },
];

function nodeRatios({ role, samples, earlyHeap, finalHeap }: NodeMeasurement): Ratio[] {
  // The minimum of a fifth: memory above it is garbage that is not collected yet.
  const min = (part: Sample[]) => Math.min(...part.map(({ rss }) => rss));
  return [
    {
      name: `${role}: resident memory`,
      against: `the ${fifth} s after the first ${fifth}; the minimum of each`,
      values: [min(samples.slice(-fifth)) / min(samples.slice(0, fifth))],
      goal: { atMost: 1.1 },
    },
    {
      name: `${role}: live heap at the end`,
      against: `after ${2 * fifth} s`,
      values: [finalHeap / earlyHeap],
      goal: { atMost: 1.1 },
    },
  ];
}
