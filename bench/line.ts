import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Status 0 when the connection ended before. */
export interface Answer {
  status: number;
  retryAfter?: string;
}

/** A connection that asks one thing at a time: HTTP/1.1 over a raw socket that is kept alive. */
export class Line {
  readonly #socket: Socket;
  readonly #host: string;
  #text = "";
  #answer: (answer: Answer) => void = () => {};

  private constructor(api: string, patience: number) {
    const { hostname, port, host } = new URL(api);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setEncoding("latin1").on("data", (chunk: string) => this.#read(chunk));
    this.#socket.setTimeout(patience, () => this.#socket.destroy());
    this.#socket.on("error", () => {}).on("close", () => this.#answer({ status: 0 }));
  }

  /** Who has no answer after `patience` (ms) hangs up. */
  static async to(api: string, patience = 0): Promise<Line> {
    const line = new Line(api, patience);
    await Promise.race([once(line.#socket, "connect"), once(line.#socket, "close")]);
    return line;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** `headers` are whole lines. */
  ask(method: "GET" | "POST", path: string, headers = ""): Promise<Answer> {
    const length = method === "POST" ? "content-length: 0\r\n" : "";
    return new Promise((resolve) => {
      this.#answer = resolve;
      if (this.isClosed) return resolve({ status: 0 });
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${headers}${length}\r\n`,
      );
    });
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end === -1) return;
    const head = this.#text.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const isWhole = length
      ? this.#text.length >= end + 4 + Number(length)
      : this.#text.endsWith("\r\n0\r\n\r\n");
    if (!isWhole) return;
    this.#text = "";
    const status = Number(head.slice(9, 12));
    this.#answer(
      status === 503
        ? { status, retryAfter: /\r\nretry-after: *(\S+)/i.exec(head)?.[1] }
        : { status },
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}

export const bearer = (token?: string) => (token ? `authorization: Bearer ${token}\r\n` : "");
