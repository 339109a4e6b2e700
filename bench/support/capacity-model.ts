/**
 * A model of what a cluster needs for a multiple of today's load: the costs that the row `capacity` measured, times the
 * load. Pure functions. The model knows one limit that more nodes do not move: each notifications node receives a
 * hint of every notice that another one stored.
 */

/** CPU in microseconds, as the row `capacity` reports it. */
export interface Costs {
  /** Per sale, of its notice too. */
  apiSale: number;
  marketSale: number;
  notificationsSale: number;
  rabbitSale: number;
  /** Per sale and further notifications node: the hint, sent and received. */
  hint: number;
  rabbitHint: number;
  /** Per read of a page of the list. */
  apiRead: number;
  marketRead: number;
  rabbitRead: number;
  /** Per open socket and second, when nothing happens. */
  socket: number;
  /** Memory per open socket (KB). */
  socketMemory: number;
}

/** What the market is asked for. */
export interface Load {
  sales: number;
  reads: number;
  sockets: number;
}

/** Today's load: what one small machine serves with every server on it. */
export const today: Load = { sales: 400, reads: 1_000, sockets: 10_000 };
/** A node is one event loop. Above this share of a core, its requests wait too long. */
export const utilization = 0.6;
/** A notice is stored in two writes, of the buy and of itself, and its outbox entry is marked in a third. */
const writesPerSale = 3;

export interface Plan {
  api: number;
  market: number;
  /** Infinity when no number of nodes is enough, because of hints. */
  notifications: number;
  /** Notifications nodes when a hint goes to the node of its user only. */
  routed: number;
  /** Cores of RabbitMQ; Infinity without a number of notifications nodes. */
  rabbit: number;
  rabbitRouted: number;
  /** Document writes per second, over all databases. */
  writes: number;
  /** Memory of all sockets (GB). */
  memory: number;
}

/** The measured values by their metric, as docs/benchmarks.md has them. */
const metrics: Record<keyof Costs, [system: string, metric: string]> = {
  apiSale: ["api", "CPU per sale"],
  marketSale: ["market", "CPU per sale"],
  notificationsSale: ["notifications", "CPU per sale"],
  rabbitSale: ["RabbitMQ", "CPU per sale"],
  hint: ["notifications", "CPU per sale and further node"],
  rabbitHint: ["RabbitMQ", "CPU per sale and further node"],
  apiRead: ["api", "CPU per read"],
  marketRead: ["market", "CPU per read"],
  rabbitRead: ["RabbitMQ", "CPU per read"],
  socket: ["notifications", "CPU per open socket and second"],
  socketMemory: ["souk", "resident memory per idle socket"],
};

/** Reads the medians of the rows `capacity` and `sockets` from docs/benchmarks.md. Throws when one is missing. */
export function costsFrom(page: string): Costs {
  const medians = new Map(
    [...page.matchAll(/^\| ([^|]+?) \| ([^|]+?)(?:, [^|,]+?)? \| ([\d.,]+) \|/gm)].map(
      ([, system, metric, median]) => [`${system} ${metric}`, Number(median!.replaceAll(",", ""))],
    ),
  );
  const entries = Object.entries(metrics).map(([name, key]) => {
    const value = medians.get(key.join(" "));
    if (value === undefined) throw new Error(`docs/benchmarks.md has no "${key.join(": ")}".`);
    return [name, value];
  });
  return Object.fromEntries(entries) as Costs;
}

/** The nodes and servers that a load needs. */
export function planFor(costs: Costs, { sales, reads, sockets }: Load): Plan {
  const cores = (microseconds: number) => microseconds / 1e6;
  const nodes = (microseconds: number) => Math.max(1, Math.ceil(cores(microseconds) / utilization));
  const own = sales * costs.notificationsSale + sockets * costs.socket;
  const hints = sales * costs.hint;
  // n nodes do `own` and n - 1 hints of each sale together; each may use `utilization`.
  const spare = utilization - cores(hints);
  const notifications = spare <= 0 ? Infinity : Math.max(1, Math.ceil(cores(own - hints) / spare));
  const rabbit = (hintsPerSale: number) =>
    cores(sales * (costs.rabbitSale + hintsPerSale * costs.rabbitHint)) +
    cores(reads * costs.rabbitRead);
  return {
    api: nodes(sales * costs.apiSale + reads * costs.apiRead),
    market: nodes(sales * costs.marketSale + reads * costs.marketRead),
    notifications,
    routed: nodes(own + hints),
    rabbit: rabbit(notifications - 1),
    rabbitRouted: rabbit(1),
    writes: writesPerSale * sales,
    memory: (sockets * costs.socketMemory) / 2 ** 20,
  };
}

const multiples = [1, 10, 100, 1_000];
const shown = (value: number) =>
  Number.isFinite(value)
    ? value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 })
    : "no number is enough";

/** The plan for each multiple of today's load, as a Markdown table. */
export function table(costs: Costs): string {
  const plans = multiples.map((times) => {
    const load = {
      sales: today.sales * times,
      reads: today.reads * times,
      sockets: today.sockets * times,
    };
    return { ...load, ...planFor(costs, load) };
  });
  const rows: [string, (plan: (typeof plans)[number]) => number][] = [
    ["sales/s", ({ sales }) => sales],
    ["reads/s", ({ reads }) => reads],
    ["open sockets", ({ sockets }) => sockets],
    ["api nodes", ({ api }) => api],
    ["market nodes", ({ market }) => market],
    ["notifications nodes, hints to all", ({ notifications }) => notifications],
    ["notifications nodes, hints routed by user", ({ routed }) => routed],
    ["cores of RabbitMQ, hints to all", ({ rabbit }) => rabbit],
    ["cores of RabbitMQ, hints routed", ({ rabbitRouted }) => rabbitRouted],
    ["document writes/s", ({ writes }) => writes],
    ["memory of the sockets, GB", ({ memory }) => memory],
  ];
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...multiples.map((times) => (times === 1 ? "today" : `${shown(times)} ×`))]),
    line(["---", ...multiples.map(() => "--:")]),
    ...rows.map(([name, value]) => line([name, ...plans.map((plan) => shown(value(plan)))])),
  ].join("\n");
}

/** The sales/s above which no number of notifications nodes is enough. */
export const broadcastLimit = ({ hint }: Costs): number => (utilization * 1e6) / hint;

const [begin, end] = ["<!-- plan -->", "<!-- end of plan -->"];

/** The page with its plan computed anew. */
export function withPlan(page: string, costs: Costs): string {
  const [before, after] = [page.split(begin)[0]!, page.split(end)[1]];
  if (after === undefined) throw new Error("docs/scale.md has no place for the plan.");
  const limit = shown(Math.round(broadcastLimit(costs) / 100) * 100);
  return `${before}${begin}\n\n${table(costs)}\n\nAbove ${limit} sales/s, hints alone take ${utilization * 100} % of every notifications node, however many there are.\n\n${end}${after}`;
}
