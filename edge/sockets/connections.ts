import type { IncomingMessage } from "node:http";
import { env } from "../../broker/env.ts";
import { clientAddress, networkOf } from "../policy/client-address.ts";
import { concurrencyLimits, rateLimits } from "../policy/limits.ts";
import { RateLimiter, scaled, Counter, FixedWindow } from "../rate-limiter.ts";
import type { Device } from "../../mixins/sockets.ts";
import {
  terminateAfterGrace,
  SendBuffer,
  webSocketOf,
  type Connection,
  type WebSocket,
} from "./transport.ts";

/** All that is kept of a connection: there may be very many. */
interface Member {
  connection: Connection;
  network: string;
  /** It came in above the bound, to be told so and closed. */
  isSurplus: boolean;
  untaken: SendBuffer;
  packets: FixedWindow;
  events?: FixedWindow;
  authorizations?: FixedWindow;
  /** Once it has asked for the namespace. */
  device?: Device;
}

const most = scaled(concurrencyLimits.socketsByNetwork);
/** With those who are about to be told that they are too many; who comes above this is not even told. */
const mostTold = Math.ceil(most * 1.1);

/** Everyone who is connected: how many from where, and how much they say. */
export class Connections {
  readonly #sizes = new Counter();
  readonly #members = new WeakMap<Connection | WebSocket, Member>();
  readonly #connects = new RateLimiter(
    rateLimits.connectsByNetwork,
    "Too many connections from this address",
  );
  readonly #byUser = new RateLimiter(rateLimits.eventsByUser, "Too many events of this user");
  readonly #byNetwork = new RateLimiter(
    rateLimits.eventsByNetwork,
    "Too many events from this address",
  );
  readonly #dismiss: (device: Device) => void;
  readonly #listeners;

  /** `dismiss` ends a device that floods. */
  constructor(dismiss: (device: Device) => void) {
    this.#dismiss = dismiss;
    const memberOf = (emitter: Connection | WebSocket) => this.#members.get(emitter)!;
    const count = (member: Member) => this.#count(member);
    const leave = (member: Member) => this.#leave(member);
    // The same for all: a closure of its own for each event of each connection takes more than what there is to remember.
    this.#listeners = {
      packet(this: Connection | WebSocket) {
        count(memberOf(this));
      },
      packetCreate(this: Connection, packet: { data?: string }) {
        memberOf(this).untaken.add(this, packet);
      },
      flush(this: Connection) {
        memberOf(this).untaken.flush();
      },
      close(this: Connection) {
        leave(memberOf(this));
      },
    };
  }

  /** Whether this upgrade may become a connection. A stock client that is kept out here comes back by itself a little later. */
  admits(request: IncomingMessage): Promise<boolean> {
    const network = networkOfRequest(request);
    if (this.#sizes.get(network) >= mostTold) return Promise.resolve(false);
    return this.#connects.take(network).then(
      () => true,
      () => false,
    );
  }

  /** Every connection counts, also one that never asks for the namespace. */
  add(connection: Connection): void {
    const network = networkOfRequest(connection.request);
    const isSurplus = this.#sizes.increment(network) > most;
    const member = {
      connection,
      network,
      isSurplus,
      untaken: new SendBuffer(),
      packets: new FixedWindow(),
    };
    const wire = webSocketOf(connection);
    this.#members.set(connection, member).set(wire, member);
    const { packet, packetCreate, flush, close } = this.#listeners;
    connection
      .on("packet", packet)
      .on("packetCreate", packetCreate)
      .on("flush", flush)
      .on("close", close);
    // WebSocket's own, which Socket.IO never shows and never sends: each ping is answered.
    wire.on("ping", packet).on("pong", packet);
  }

  isSurplus(connection: Connection): boolean {
    return this.#members.get(connection)!.isSurplus;
  }

  /** The device that is at the end of its connection. */
  attach(device: Device): void {
    this.#members.get(device.conn)!.device = device;
  }

  /** Counts one event of a connection and its user. Throws TOO_MANY_REQUESTS. */
  async countEvent(connection: Connection, userId: string | undefined): Promise<void> {
    const member = this.#members.get(connection)!;
    (member.events ??= new FixedWindow()).take(rateLimits.eventsByConnection, "Too many events");
    await this.#byNetwork.take(member.network);
    if (userId) await this.#byUser.take(userId);
  }

  /** Counts one attempt to authorize. Throws TOO_MANY_REQUESTS. */
  authorizes(connection: Connection): void {
    const member = this.#members.get(connection)!;
    (member.authorizations ??= new FixedWindow()).take(
      rateLimits.authorizationsByConnection,
      "Too many attempts to authorize",
    );
  }

  #count({ connection, packets, device }: Member): void {
    try {
      packets.take(rateLimits.packetsByConnection, "Too many packets");
    } catch {
      const { packet } = this.#listeners;
      connection.off("packet", packet);
      webSocketOf(connection).off("ping", packet).off("pong", packet);
      if (device) this.#dismiss(device);
      else connection.close();
      terminateAfterGrace(connection);
    }
  }

  #leave({ connection, network }: Member): void {
    this.#sizes.decrement(network);
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
