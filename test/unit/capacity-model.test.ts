import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  broadcastLimit,
  costsFrom,
  planFor,
  withPlan,
  type Costs,
} from "../../bench/support/capacity-model.ts";

const costs: Costs = {
  apiSale: 300,
  marketSale: 600,
  notificationsSale: 200,
  rabbitSale: 400,
  hint: 60,
  rabbitHint: 40,
  apiRead: 500,
  marketRead: 500,
  rabbitRead: 200,
  socket: 2,
  socketMemory: 10,
};
const page = `| system | metric | median | min–max | rounds |
| souk | resident memory per idle socket, KB | 11.1 | 10–12 | 5 |
| api | CPU per sale, µs | 300 | 1–2 | 3 |
| market | CPU per sale, µs | 1,600 | 1–2 | 3 |
| notifications | CPU per sale, µs | 200 | 1–2 | 3 |
| RabbitMQ | CPU per sale, µs | 400 | 1–2 | 3 |
| notifications | CPU per sale and further node, µs | 60.5 | 1–2 | 3 |
| RabbitMQ | CPU per sale and further node, µs | 40 | 1–2 | 3 |
| api | CPU per read, µs | 500 | 1–2 | 3 |
| market | CPU per read, µs | 501 | 1–2 | 3 |
| RabbitMQ | CPU per read, µs | 200 | 1–2 | 3 |
| notifications | CPU per open socket and second, µs | 2 | 1–2 | 1 |
`;

it("reads the measured costs from the page of benchmarks", () => {
  expect(costsFrom(page)).toMatchObject({
    marketSale: 1600,
    hint: 60.5,
    socketMemory: 11.1,
    marketRead: 501,
  });
  expect(() => costsFrom(page.replace("CPU per read", "CPU"))).toThrow(
    'has no "api: CPU per read"',
  );
});

it("plans as many nodes as the CPU of the load needs at 60 % each", () => {
  const plan = planFor(costs, { sales: 1_000, reads: 1_000, sockets: 100_000 });

  // 1,000 × (300 + 500) µs is 0.8 cores.
  expect(plan).toMatchObject({ api: 2, market: 2, writes: 3_000 });
  // Two nodes have 1.2 cores for 0.2 + 0.5 + one hint of each sale, 0.06; one has too few.
  expect(planFor(costs, { sales: 1_000, reads: 0, sockets: 250_000 }).notifications).toBe(2);
  expect(plan.rabbit).toBeCloseTo(
    1_000 * 400e-6 + 1_000 * 200e-6 + (plan.notifications - 1) * 0.04,
  );
});

it("finds the sales/s above which no number of notifications nodes is enough, unless hints are routed", () => {
  const limit = broadcastLimit(costs);
  const at = (sales: number) => planFor(costs, { sales, reads: 0, sockets: 0 });

  expect(limit).toBe(10_000);
  expect(at(limit * 0.99).notifications).toBeGreaterThan(at(limit / 2).notifications);
  expect(Number.isFinite(at(limit * 0.99).notifications)).toBe(true);
  expect(at(limit).notifications).toBe(Infinity);
  expect(at(limit).rabbit).toBe(Infinity);
  expect(at(limit).routed).toBe(Math.ceil((10_000 * 260e-6) / 0.6));
});

it("replaces the plan on the page, and nothing else", () => {
  const text = "before <!-- plan -->old<!-- end of plan --> after";
  const written = withPlan(text, costs);

  expect(written).toMatch(/^before <!-- plan -->\n\n\| {2}\| today \| 10 × \| 100 × \| 1,000 × \|/);
  expect(written).toMatch(/\n\nAbove 10,000 sales\/s, .*\n\n<!-- end of plan --> after$/);
  expect(withPlan(written, costs)).toBe(written);
  expect(() => withPlan("no place", costs)).toThrow("no place for the plan");
});

it("computed the plan in docs/scale.md from the figures in docs/benchmarks.md", () => {
  const [scale, benchmarks] = ["scale.md", "benchmarks.md"].map((name) =>
    readFileSync(join(import.meta.dirname, "../../docs", name), "utf8"),
  );
  expect(scale).toBe(withPlan(scale!, costsFrom(benchmarks!)));
});
