/** Each attack of one machine on an embedded market with its default limits, directly and through nginx, and what a bystander at another address notices. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { startNginx } from "../support/nginx.ts";

const seconds = 3;
const tries = 3;

interface Figures {
  requests: number;
  /** Percent. */
  success: number;
  /** Milliseconds. */
  median: number;
  p99: number;
}

const ways = ["directly", "through nginx"] as const;
type Way = (typeof ways)[number];

/** By the way that clients reach them: the origins of api and of the sockets. */
const origins = {} as Record<Way, { api: string; sockets: string }>;
const calm = {} as Record<Way, Figures>;
const closing: (() => Promise<void>)[] = [];
let attacker: ChildProcess | undefined;
const table: [string, Figures][] = [];

/** A market with long items. */
async function marketBehind(proxies: number): Promise<Market> {
  const market = await startMarket({ RATE_SCALE: "1", TRUSTED_PROXIES: `${proxies}` });
  closing.push(() => market.close());
  const seller = await Client.registered(market.api);
  for (let n = 0; n < 60; n++)
    await seller.call("POST", "/market/items", {
      title: `${n} ${"🪔".repeat(190)}`,
      description:
        n % 2
          ? "🪔".repeat(5_000)
          : Array.from({ length: 1_500 }, (_, i) => String.fromCodePoint(97 + (i % 26))).join(" "),
      price: 100,
    });
  return market;
}

beforeAll(async () => {
  const [open, behind] = [await marketBehind(0), await marketBehind(1)];
  const nginx = await startNginx(behind);
  closing.push(() => nginx.close());
  origins.directly = { api: open.api, sockets: open.sockets };
  origins["through nginx"] = { api: nginx.origin, sockets: nginx.origin };
  for (const way of ways) table.push([`none, ${way}`, (calm[way] = await bystander(way))]);
}, 120_000);
afterEach(async () => {
  if (attacker?.exitCode === null) {
    const ended = once(attacker, "exit");
    attacker.kill("SIGKILL");
    await ended;
  }
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  const rows = table.map(
    ([attack, { requests, success, median, p99 }]) =>
      `${attack.padEnd(54)} ${String(requests).padStart(5)} ${success.toFixed(1).padStart(7)} ${median.toFixed(0).padStart(7)} ${p99.toFixed(0).padStart(7)}`,
  );
  const head = `${"attack".padEnd(54)} requests of the bystander, % answered, median ms, p99 ms`;
  process.stdout.write(`\n${[head, ...rows].join("\n")}\n\n`);
});

/** A request from another address, on a connection of its own. Resolves with the time to its response; undefined without a 200. */
function request({ api }: { api: string }): Promise<number | undefined> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const options = { localAddress: "127.0.0.9", agent: false as const, timeout: 10_000 };
    const sent = get(`${api}/market/items?limit=1`, options, (response) => {
      response.resume().on("end", () => {
        resolve(response.statusCode === 200 ? performance.now() - begun : undefined);
      });
    });
    sent.on("timeout", () => sent.destroy()).on("error", () => resolve(undefined));
  });
}

/** Requests for some seconds, one every 25 ms whether or not the one before was answered. */
async function bystander(way: Way): Promise<Figures> {
  const sent: Promise<number | undefined>[] = [];
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await pause(25))
    sent.push(request(origins[way]));
  const times = await Promise.all(sent);
  const answered = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  const at = (part: number) =>
    answered[Math.min(answered.length - 1, Math.floor(answered.length * part))] ?? Infinity;
  return {
    requests: sent.length,
    success: (100 * answered.length) / sent.length,
    median: at(0.5),
    p99: at(0.99),
  };
}

describe("a bystander is served at least 99 times of 100, and within a second on a calm machine, while one machine sends", () => {
  const attacks = [
    "15,500 spaces in Accept-Encoding",
    "15,500 spaces in If-None-Match",
    "pipelines of refused requests",
    "pipelines of health checks",
    "pipelines on the sockets' port",
    "pages of a hundred long items",
    "searches for 38 words",
    "3,000 connections without a request",
    "WebSocket messages in endless fragments",
    "WebSocket pings without end",
    "WebSocket messages without end",
    "WebSocket messages of 1,500 sockets below their limit",
    "bytes without end after a WebSocket is closed",
    "WebSocket frames of a declared exabyte",
    "200 requests at a time",
  ];
  it.each(ways.flatMap((way) => attacks.map((attack) => [attack, way] as const)))(
    "%s, %s",
    async (attack, way) => {
      let figures: Figures | undefined;
      // A busy machine may delay any one run. A market that the attack stops fails each of them.
      for (let n = 0; n < tries && !(figures && isServed(figures, calm[way])); n++) {
        attacker = spawn(
          process.execPath,
          [
            join(import.meta.dirname, "attacker.ts"),
            attack,
            new URL(origins[way].api).port,
            new URL(origins[way].sockets).port,
            `${seconds + 1}`,
          ],
          { stdio: "inherit" },
        );
        const ended = once(attacker, "exit");
        // Until it has begun.
        await pause(500);
        figures = await bystander(way);
        await ended;
      }
      table.push([`${attack}, ${way}`, figures!]);

      expect([attack, figures, isServed(figures!, calm[way])]).toEqual([attack, figures, true]);
    },
    120_000,
  );
});

/** On a machine that is busy with other things, the second grows with the time that the undisturbed bystander needs. */
const isServed = ({ success, p99 }: Figures, calm: Figures) =>
  success >= 99 && p99 <= Math.max(1_000, 20 * calm.p99);
