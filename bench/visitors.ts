/**
 * Visitors who do not wait for one another, as a process of its own: requests begin at their own pace, whatever becomes of those before,
 * each on a connection that is free or new. Takes a `Visit` as a message and answers with what each got.
 */
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { bearer, Line, type Answer } from "./line.ts";

export interface Visit {
  api: string;
  /** POST to the path with `#` replaced by n. */
  path: string;
  count: number;
  /** Without it all come in the same instant. */
  perSecond?: number;
  /** No more than so many are under way: the next waits for one of them. */
  atOnce?: number;
  /** In turn. */
  tokens: string[];
  /** They come from so many addresses, as a proxy tells; without it, from this machine. */
  addresses?: number;
}

/** When it began (ms after the first), and how long it took (ms). */
export interface Got extends Answer {
  begun: number;
  took: number;
}

/** So many connections stand ready. */
const ready = 1_000;
/** One that was free for so long (ms) is not asked: api closes those that ask nothing for 14 s (edge/server.ts), and may just do so. */
const freshFor = 10_000;
/** Who has no answer after this gets none (ms). */
const patience = 15_000;

process.on("message", (visit: Visit) => void run(visit).then((got) => process.send!(got)));

async function run({
  api,
  path,
  count,
  perSecond = Infinity,
  atOnce = Infinity,
  tokens,
  addresses,
}: Visit): Promise<Got[]> {
  const lines = await Promise.all(
    Array.from({ length: Math.min(ready, count) }, () => Line.to(api, patience)),
  );
  const begun = performance.now();
  const free = lines.map((line) => ({ line, since: begun }));
  const visit = async (n: number): Promise<Got> => {
    const asked = performance.now();
    const next = free.pop();
    let line = next && asked - next.since <= freshFor ? next.line : undefined;
    if (!line || line.isClosed) lines.push((line = await Line.to(api, patience)));
    const from = addresses
      ? `x-forwarded-for: 10.0.${(n % addresses) >> 8}.${(n % addresses) & 255}\r\n`
      : "";
    const answer = await line.ask(
      "POST",
      path.replace("#", String(n)),
      from + bearer(tokens[n % tokens.length]),
    );
    if (!line.isClosed) free.push({ line, since: performance.now() });
    return { begun: asked - begun, took: performance.now() - asked, ...answer };
  };
  const got: Promise<Got>[] = [];
  let underWay = 0;
  while (got.length < count) {
    const due = Math.min(
      count,
      perSecond === Infinity ? count : Math.ceil(((performance.now() - begun) / 1000) * perSecond),
    );
    while (got.length < due && underWay < atOnce) {
      underWay++;
      got.push(visit(got.length).finally(() => underWay--));
    }
    // A turn is enough where answers are waited for.
    if (got.length < count) await (atOnce === Infinity ? pause(2) : turn());
  }
  const all = await Promise.all(got);
  for (const line of lines) line.close();
  return all;
}
