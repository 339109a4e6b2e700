/**
 * Visitors who do not wait for one another, as a process of its own: requests begin at their own pace, whatever becomes of those before,
 * each on a connection that is free or new. Takes a `Visit` as a message and answers with what each got.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";

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

/** When it began (ms after the first), how long it took (ms), the status and Retry-After; status 0 when the connection ended before. */
export interface Got {
  begun: number;
  took: number;
  status: number;
  retryAfter?: string;
}

/** So many connections stand ready. */
const ready = 1_000;
/** Who has no answer after this gets none (ms). */
const patience = 15_000;

process.on("message", (visit: Visit) => void run(visit).then((got) => process.send!(got)));

async function run({ api, path, count, perSecond = Infinity, atOnce = Infinity, tokens, addresses }: Visit): Promise<Got[]> {
  const free = await Promise.all(Array.from({ length: Math.min(ready, count) }, () => Line.to(api)));
  const lines = [...free];
  const begun = performance.now();
  const visit = async (n: number): Promise<Got> => {
    const asked = performance.now();
    let line = free.pop();
    if (!line || line.isClosed) lines.push((line = await Line.to(api)));
    const from = addresses ? `x-forwarded-for: 10.0.${(n % addresses) >> 8}.${(n % addresses) & 255}\r\n` : "";
    const answer = await line.post(path.replace("#", String(n)), `${from}authorization: Bearer ${tokens[n % tokens.length]}\r\n`);
    if (!line.isClosed) free.push(line);
    return { begun: asked - begun, took: performance.now() - asked, ...answer };
  };
  const got: Promise<Got>[] = [];
  let underWay = 0;
  while (got.length < count) {
    const due = Math.min(count, perSecond === Infinity ? count : Math.ceil(((performance.now() - begun) / 1000) * perSecond));
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

type Answer = Pick<Got, "status" | "retryAfter">;

/** A connection that asks one thing at a time. */
class Line {
  readonly #socket: Socket;
  readonly #host: string;
  #text = "";
  #answer: (answer: Answer) => void = () => {};

  private constructor(api: string) {
    const { hostname, port, host } = new URL(api);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setEncoding("latin1").on("data", (chunk: string) => this.#read(chunk));
    this.#socket.setTimeout(patience, () => this.#socket.destroy());
    this.#socket.on("error", () => {}).on("close", () => this.#answer({ status: 0 }));
  }

  static async to(api: string): Promise<Line> {
    const line = new Line(api);
    await Promise.race([once(line.#socket, "connect"), once(line.#socket, "close")]);
    return line;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  post(path: string, headers: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      if (this.isClosed) return resolve({ status: 0 });
      this.#socket.write(`POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}content-length: 0\r\n\r\n`);
    });
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    if (this.#text.length < end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)) return;
    this.#text = "";
    this.#answer({ status: Number(head.slice(9, 12)), retryAfter: /\r\nretry-after: *(\S+)/i.exec(head)?.[1] });
  }

  close(): void {
    this.#socket.destroy();
  }
}
