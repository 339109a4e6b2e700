import type { IncomingMessage } from "node:http";
import type { ServiceBroker } from "moleculer";
import { env } from "../../broker/env.ts";
import type { Notification } from "../../contracts/notifications.ts";
import type { ListedNotices } from "../../domain/inbox.ts";
import { clientAddress, networkOf } from "../policy/client-address.ts";
import { concurrencyLimits, rateLimits } from "../policy/limits.ts";
import { Counter } from "../counter.ts";
import { FixedWindow } from "../fixed-window.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { scaled } from "../rate-scale.ts";
import { NoticeTimes, type NoticePast } from "./measure.ts";
import { Receipts, type NoticesEvent } from "./receipts.ts";
import {
  terminateAfterGrace,
  SendBuffer,
  stopReading,
  webSocketOf,
  type Connection,
  type WebSocket,
} from "./transport.ts";
import { disconnect, type UserSocket } from "./user-socket.ts";

/** Everything a node keeps per connection. */
interface Entry {
  connection: Connection;
  network: string;
  /** Accepted above the limit, only to receive the reason and be closed. */
  isOverLimit: boolean;
  sendBuffer: SendBuffer;
  packets: FixedWindow;
  receipts: Receipts;
  events?: FixedWindow;
  authorizations?: FixedWindow;
  /** The content of the last WebSocket ping, while its answer waits for the end of the read. */
  ping?: Buffer | undefined;
  /** Set once the client has joined the namespace. */
  socket?: UserSocket;
}

const limit = scaled(concurrencyLimits.socketsByNetwork);
/** What a packet counts on its connection while its network has sent too many: ten of them reach the limit. */
const costInFlood = Math.ceil(scaled(rateLimits.packetsByConnection.max) / 10);
/** Above this, connections are refused without a reason. */
const hardLimit = Math.ceil(limit * 1.1);

/** All connections of this node: concurrency and rate limits per connection, user and network. */
export class Connections {
  readonly #counts = new Counter();
  readonly #entries = new WeakMap<Connection | WebSocket, Entry>();
  readonly #connects = new RateLimiter(
    rateLimits.connectsByNetwork,
    "There are too many connections from this address.",
  );
  readonly #packets = new RateLimiter(
    rateLimits.packetsByNetwork,
    "There are too many packets from this address.",
  );
  readonly #byUser = new RateLimiter(
    rateLimits.eventsByUser,
    "There are too many events of this user.",
  );
  readonly #byNetwork = new RateLimiter(
    rateLimits.eventsByNetwork,
    "There are too many events from this address.",
  );
  readonly #times: NoticeTimes;
  readonly #listeners;

  constructor(broker: ServiceBroker) {
    this.#times = new NoticeTimes(broker);
    const entryOf = (emitter: Connection | WebSocket) => this.#entries.get(emitter)!;
    const countPacket = (webSocket: WebSocket, { length }: Buffer) =>
      this.#countPacket(entryOf(webSocket), webSocket, length);
    const answerPing = (webSocket: WebSocket, data: Buffer) =>
      this.#answerPing(entryOf(webSocket), webSocket, data);
    const remove = (entry: Entry) => this.#remove(entry);
    // Shared by all connections: closures per connection would take more memory than the entry itself.
    this.#listeners = {
      packet(this: WebSocket, data: Buffer) {
        countPacket(this, data);
      },
      ping(this: WebSocket, data: Buffer) {
        answerPing(this, data);
        countPacket(this, data);
      },
      packetCreate(this: Connection, packet: { data?: string }) {
        entryOf(this).sendBuffer.add(this, packet);
      },
      flush(this: Connection) {
        entryOf(this).sendBuffer.flush();
      },
      close(this: Connection, reason: string) {
        remove(entryOf(this));
        // After an invalid frame `ws` would read on, and discard what it reads.
        if (reason === "transport error") setImmediate(() => webSocketOf(this).pause());
      },
    };
  }

  /** Whether this upgrade request may become a connection. Stock clients retry later when it may not. */
  accepts(request: IncomingMessage): Promise<boolean> {
    const network = networkOfRequest(request);
    if (this.#counts.get(network) >= hardLimit) return Promise.resolve(false);
    return this.#connects.take(network).then(
      () => true,
      () => false,
    );
  }

  /** Counts a new connection, whether or not it ever joins the namespace. */
  add(connection: Connection): void {
    const network = networkOfRequest(connection.request);
    const entry = {
      connection,
      network,
      isOverLimit: this.#counts.increment(network) > limit,
      sendBuffer: new SendBuffer(),
      packets: new FixedWindow(),
      receipts: new Receipts(),
    };
    const webSocket = webSocketOf(connection);
    this.#entries.set(connection, entry).set(webSocket, entry);
    const { packet, ping, packetCreate, flush, close } = this.#listeners;
    connection.on("packetCreate", packetCreate).on("flush", flush).on("close", close);
    // Those of the WebSocket: Engine.IO shows no pings, and no packets while it closes the connection. Counted before they are handled.
    webSocket.prependListener("message", packet).on("ping", ping).on("pong", packet);
  }

  isOverLimit(connection: Connection): boolean {
    return this.#entries.get(connection)!.isOverLimit;
  }

  /** Attaches a socket to its connection. False when the connection has a socket already. */
  attach(socket: UserSocket): boolean {
    const entry = this.#entries.get(socket.conn)!;
    if (entry.socket) return false;
    entry.socket = socket;
    return true;
  }

  /** Emits an inbox, and asks for a receipt. `areShown` is called when the client acknowledges it. */
  emitInbox(socket: UserSocket, { inbox, traces }: ListedNotices, areShown: () => void): void {
    this.#emit(socket, "inbox", inbox, this.#times.inboxEmitted(traces, areShown));
  }

  /** Emits a notice, and asks for a receipt. `isShown` is called when the client acknowledges it. */
  emitNotice(
    socket: UserSocket,
    notification: Notification,
    past: NoticePast,
    isShown: () => void,
  ): void {
    this.#emit(socket, "notification", notification, this.#times.emitted(past, isShown));
  }

  #emit(socket: UserSocket, ...event: NoticesEvent): void {
    this.#entries.get(socket.conn)!.receipts.emit(socket, ...event);
  }

  /** Counts one event of a connection, its network and its user. Throws TOO_MANY_REQUESTS. */
  async countEvent(connection: Connection, userId: string | undefined): Promise<void> {
    const entry = this.#entries.get(connection)!;
    (entry.events ??= new FixedWindow()).take(
      rateLimits.eventsByConnection,
      "There are too many events on this connection.",
    );
    await this.#byNetwork.take(entry.network);
    if (userId) await this.#byUser.take(userId);
  }

  /** Counts one attempt to authorize. Throws TOO_MANY_REQUESTS. */
  countAuthorization(connection: Connection): void {
    const entry = this.#entries.get(connection)!;
    (entry.authorizations ??= new FixedWindow()).take(
      rateLimits.authorizationsByConnection,
      "There are too many attempts to authorize.",
    );
  }

  /** Of the pings of one read only the last is answered, which RFC 6455 (5.5.3) allows. */
  #answerPing(entry: Entry, webSocket: WebSocket, data: Buffer): void {
    const isWaiting = entry.ping !== undefined;
    entry.ping = data;
    if (isWaiting) return;
    queueMicrotask(() => {
      webSocket.pong(entry.ping!);
      entry.ping = undefined;
    });
  }

  /** Counts what the client sent. At the limit of its network it is read later; at the limit of the connection, which is reached soon then, never. */
  #countPacket(
    { connection, network, packets, receipts, socket }: Entry,
    webSocket: WebSocket,
    length: number,
  ): void {
    if (receipts.takePacket()) return;
    const wait = this.#packets.takeAtOnce(network, 1 + (length >> 10));
    if (wait > 0 && !webSocket.isPaused) {
      webSocket.pause();
      setTimeout(() => webSocket.readyState === webSocket.OPEN && webSocket.resume(), wait).unref();
    }
    try {
      const cost = wait > 0 ? costInFlood : 1;
      packets.take(rateLimits.packetsByConnection, "There are too many packets.", cost);
    } catch {
      const { packet, ping } = this.#listeners;
      webSocket.off("message", packet).off("ping", ping).off("pong", packet);
      stopReading(webSocket);
      if (socket) disconnect(socket, "TOO_MANY_REQUESTS");
      else connection.close();
      terminateAfterGrace(connection);
    }
  }

  #remove({ connection, network }: Entry): void {
    this.#counts.decrement(network);
    terminateAfterGrace(connection);
  }
}

const networkOfRequest = ({ socket, headers }: IncomingMessage) =>
  networkOf(
    clientAddress(
      socket.remoteAddress,
      headers["x-forwarded-for"] as string | undefined,
      env.trustedProxies,
    ),
  );
