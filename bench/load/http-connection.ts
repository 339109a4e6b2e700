import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** `status` is 0 when the connection ended before the response. */
export interface HttpResponse {
  status: number;
  retryAfter?: string;
}

/** A keep-alive HTTP/1.1 connection over a raw socket, with one request in flight. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #text = "";
  #respond: (response: HttpResponse) => void = () => {};

  private constructor(api: string, timeoutMs: number) {
    const { hostname, port, host } = new URL(api);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setEncoding("latin1").on("data", (chunk: string) => this.#read(chunk));
    this.#socket.setTimeout(timeoutMs, () => this.#socket.destroy());
    this.#socket.on("error", () => {}).on("close", () => this.#respond({ status: 0 }));
  }

  /** Disconnects after `timeoutMs` without traffic; 0 disables the timeout. */
  static async open(api: string, timeoutMs = 0): Promise<HttpConnection> {
    const connection = new HttpConnection(api, timeoutMs);
    await Promise.race([once(connection.#socket, "connect"), once(connection.#socket, "close")]);
    return connection;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** `headers` are complete header lines, each ending in CRLF. */
  request(method: "GET" | "POST", path: string, headers = ""): Promise<HttpResponse> {
    const length = method === "POST" ? "content-length: 0\r\n" : "";
    return new Promise((resolve) => {
      this.#respond = resolve;
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
    const isComplete = length
      ? this.#text.length >= end + 4 + Number(length)
      : this.#text.endsWith("\r\n0\r\n\r\n");
    if (!isComplete) return;
    this.#text = "";
    const status = Number(head.slice(9, 12));
    this.#respond(
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
