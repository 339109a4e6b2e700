/** A TCP proxy in front of a server, for tests that cut, delay, refuse or hold its traffic. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** `up` is the direction to the server. */
export type Direction = "up" | "down";

interface Link {
  sockets: Socket[];
  pipes: Record<Direction, Pipe>;
}

type Tap = (chunk: Buffer, connection: object) => void;

interface Trap {
  text: Buffer;
  caught(): void;
}

/** One direction of one connection. Chunks are forwarded in order, each after the delay and unless the direction is held. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #proxy: Proxy;
  readonly #direction: Direction;
  readonly #waiting: { chunk: Buffer; at: number }[] = [];
  /** Forwards nothing, whatever the other connections do. */
  isSilent = false;
  /** Milliseconds that this connection is slower than the others. */
  delay = 0;
  #timer: NodeJS.Timeout | undefined;
  #tail: Buffer = Buffer.alloc(0);
  #isEnding = false;

  constructor(proxy: Proxy, direction: Direction, from: Socket, to: Socket) {
    [this.#proxy, this.#direction, this.#from, this.#to] = [proxy, direction, from, to];
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => {
      this.#isEnding = true;
      this.flush();
    });
  }

  #take(chunk: Buffer): void {
    // The text of a trap may arrive in two chunks. The first one is forwarded then, as an incomplete message.
    const seen = Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.from(seen.subarray(-256));
    this.#proxy.seen(this.#direction, chunk, seen, this);
    this.#waiting.push({ chunk, at: performance.now() + this.#proxy.delayed + this.delay });
    this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    const isHeld = this.isSilent || this.#proxy.isHeld(this.#direction);
    // A connection that ends while held ends before the held chunks.
    if (isHeld && this.#isEnding) return void (this.#from.destroy(), this.#to.destroy());
    if (isHeld) return;
    while (this.#waiting.length > 0) {
      const wait = this.#waiting[0]!.at - performance.now();
      if (wait > 0) return void (this.#timer = setTimeout(() => this.flush(), wait));
      const { chunk } = this.#waiting.shift()!;
      if (!this.#to.destroyed) this.#to.write(chunk);
    }
    if (this.#isEnding) this.#to.end();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }
}

export class Proxy {
  /** Milliseconds of delay in each direction. */
  delayed = 0;
  port = 0;
  /** Whether a new connection is silent: accepted, and nothing is forwarded. Gets the number of the connection, from 1. */
  isNewSilent: (n: number) => boolean = () => false;
  readonly #target: number;
  /** Oldest first. */
  readonly #links = new Set<Link>();
  #accepted = 0;
  readonly #held = new Set<Direction>();
  readonly #traps: Record<Direction, Set<Trap>> = { up: new Set(), down: new Set() };
  readonly #taps: Record<Direction, Set<Tap>> = {
    up: new Set(),
    down: new Set(),
  };
  #server: Server | undefined;

  private constructor(target: number) {
    this.#target = target;
  }

  /** Starts a proxy on a free port, in front of the server at port `target` of this machine. */
  static async before(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await proxy.admit();
    return proxy;
  }

  /** Open connections. */
  get connections(): number {
    return this.#links.size;
  }

  /** Resets every connection, as a broken network does. New ones are accepted. */
  cut(): void {
    for (const { sockets } of this.#links) for (const socket of sockets) socket.resetAndDestroy();
  }

  /** Resets every connection, and refuses new ones until `admit`. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server && once(server, "close");
    server?.close();
    this.cut();
    await closed;
  }

  /** Accepts connections again on the same port, without delay and holds. */
  async admit(): Promise<void> {
    this.delayed = 0;
    this.isNewSilent = () => false;
    this.release();
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#link(socket),
    );
    this.#server = server;
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
  }

  /** Silently forwards nothing in these directions until `release`. */
  hold(...directions: Direction[]): void {
    for (const direction of directions) this.#held.add(direction);
  }

  release(): void {
    this.#held.clear();
    for (const traps of Object.values(this.#traps)) traps.clear();
    for (const pipe of this.#pipes()) {
      pipe.isSilent = false;
      pipe.delay = 0;
      pipe.flush();
    }
  }

  /** Silently forwards nothing in these directions on the `count` newest connections, until `release`. */
  silence(count: number, ...directions: Direction[]): void {
    for (const { pipes } of [...this.#links].slice(-count))
      for (const direction of directions) pipes[direction].isSilent = true;
  }

  /** Delays the `count` newest connections by `ms` in each direction, until `release`. */
  slow(count: number, ms: number): void {
    for (const { pipes } of [...this.#links].slice(-count))
      for (const pipe of Object.values(pipes)) pipe.delay = ms;
  }

  /** Holds a direction as soon as `text` arrives, before it is forwarded; resolves then. */
  holdAt(direction: Direction, text: string): Promise<void> {
    return new Promise((resolve) => {
      const trap = {
        text: Buffer.from(text),
        caught: () => {
          this.#traps[direction].delete(trap);
          this.hold(direction);
          resolve();
        },
      };
      this.#traps[direction].add(trap);
    });
  }

  /** Passes every chunk of a direction, and what identifies its connection, to `receive` until the returned function is called. */
  tap(direction: Direction, receive: Tap): () => void {
    this.#taps[direction].add(receive);
    return () => this.#taps[direction].delete(receive);
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  isHeld(direction: Direction): boolean {
    return this.#held.has(direction);
  }

  seen(direction: Direction, chunk: Buffer, withTail: Buffer, connection: object): void {
    for (const trap of this.#traps[direction]) if (withTail.includes(trap.text)) trap.caught();
    for (const receive of this.#taps[direction]) receive(chunk, connection);
  }

  #pipes(): Pipe[] {
    return [...this.#links].flatMap(({ pipes }) => Object.values(pipes));
  }

  #link(client: Socket): void {
    const server = connect({
      port: this.#target,
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    const sockets = [client, server];
    const pipes = {
      up: new Pipe(this, "up", client, server),
      down: new Pipe(this, "down", server, client),
    };
    pipes.up.isSilent = pipes.down.isSilent = this.isNewSilent(++this.#accepted);
    const link = { sockets, pipes };
    this.#links.add(link);
    for (const socket of sockets) {
      socket.on("error", () => {}); // "close" follows
      socket.on("close", (hadError) => {
        const isBroken = hadError || !socket.readableEnded;
        if (isBroken) for (const other of sockets) other.destroy();
        if (!sockets.every(({ destroyed }) => destroyed)) return;
        for (const pipe of Object.values(pipes)) pipe.stop();
        this.#links.delete(link);
      });
    }
  }
}
