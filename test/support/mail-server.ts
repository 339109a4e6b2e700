/** A mail server on this machine that keeps what it gets, and fails as it is told. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface ReceivedMail {
  to: string[];
  from: string;
  /** As it was sent: headers and body. */
  raw: string;
  /** By name in lower case, as they were sent. */
  headers: Map<string, string>;
  /** The names of all headers, in lower case. */
  names: string[];
  /** Milliseconds since 1970. */
  at: number;
}

interface Behaviour {
  /** A code with which RCPT TO is refused, for this address and attempt (from 1). */
  refuse?(address: string, attempt: number): number | undefined;
  /** The connection is cut after the mail was taken, before the answer. */
  dropAfter?(attempt: number): boolean;
  options?: SMTPServerOptions;
  /** By default a free one. */
  port?: number;
}

export class MailServer {
  readonly mails: ReceivedMail[] = [];
  readonly attempts = new Map<string, number>();
  refuse: NonNullable<Behaviour["refuse"]> = () => undefined;
  dropAfter: NonNullable<Behaviour["dropAfter"]> = () => false;
  readonly #server: SMTPServer;
  #dataCount = 0;

  private constructor({ refuse, dropAfter, options }: Behaviour) {
    if (refuse) this.refuse = refuse;
    if (dropAfter) this.dropAfter = dropAfter;
    this.#server = new SMTPServer({
      ...{ authOptional: true, disabledCommands: ["STARTTLS"], disableReverseLookup: true },
      onRcptTo: ({ address }, _session, done) => {
        const attempt = (this.attempts.get(address) ?? 0) + 1;
        this.attempts.set(address, attempt);
        const code = this.refuse(address, attempt);
        done(code ? Object.assign(new Error("No"), { responseCode: code }) : null);
      },
      onData: (stream, { envelope }, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const to = envelope.rcptTo.map(({ address }) => address);
          const from = (envelope.mailFrom || { address: "" }).address;
          this.mails.push({ to, from, ...parse(Buffer.concat(chunks).toString()) });
          if (this.dropAfter(++this.#dataCount)) this.cut();
          else done();
        });
      },
      ...options,
    });
    // A client that gives up is no failure of a test.
    this.#server.on("error", () => {});
  }

  static async start(behaviour: Behaviour = {}): Promise<MailServer> {
    const started = new MailServer(behaviour);
    started.#server.listen(behaviour.port ?? 0, "127.0.0.1");
    await once(started.#server.server, "listening");
    return started;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections. */
  cut(): void {
    const { connections } = this.#server as unknown as {
      connections: Set<{ _socket: { destroy(): void } }>;
    };
    for (const { _socket } of connections) _socket.destroy();
  }

  to(address: string): ReceivedMail[] {
    return this.mails.filter(({ to }) => to.includes(address));
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function parse(raw: string) {
  const lines = raw.slice(0, raw.indexOf("\r\n\r\n")).split("\r\n");
  const unfolded: string[] = [];
  for (const line of lines)
    if (/^[ \t]/.test(line)) unfolded.push(`${unfolded.pop()!}${line}`);
    else unfolded.push(line);
  const named = unfolded.map((line) => {
    const [name = "", ...value] = line.split(": ");
    return [name.toLowerCase(), value.join(": ")] as const;
  });
  return { raw, at: Date.now(), headers: new Map(named), names: named.map(([name]) => name) };
}

/** The text of a part in quoted-printable. */
export const decoded = (raw: string): string =>
  Buffer.from(
    raw
      .replaceAll(/=\r?\n/g, "")
      .replaceAll(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    "latin1",
  ).toString();
