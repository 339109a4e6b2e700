import type { IncomingMessage } from "node:http";
import { env } from "../../broker/env.ts";
import { clientAddress, networkOf } from "../../domain/addresses.ts";
import { atOnce, bounds } from "../../domain/bounds.ts";
import { Limiter, scaled, Tally, Window } from "../limiter.ts";
import type { Device } from "../sockets.ts";
import { endSoon, Untaken, wireOf, type Connection, type Wire } from "./wire.ts";

/** All that is kept of a connection: there may be very many. */
interface Member {
  connection: Connection;
  network: string;
  /** It came in above the bound, to be told so and closed. */
  isSurplus: boolean;
  untaken: Untaken;
  packets: Window;
  events?: Window;
  authorizations?: Window;
  /** Once it has asked for the namespace. */
  device?: Device;
}

const most = scaled(atOnce.socketsByNetwork);
/** With those who are about to be told that they are too many; who comes above this is not even told. */
const mostTold = Math.ceil(most * 1.1);

/** Everyone who is connected: how many from where, and how much they say. */
export class Crowd {
  readonly #sizes = new Tally();
  readonly #members = new WeakMap<Connection | Wire, Member>();
  readonly #connects = new Limiter(bounds.connectsByNetwork, "Too many connections from this address");
  readonly #byUser = new Limiter(bounds.eventsByUser, "Too many events of this user");
  readonly #byNetwork = new Limiter(bounds.eventsByNetwork, "Too many events from this address");
  readonly #dismiss: (device: Device) => void;
  readonly #listeners;

  /** `dismiss` ends a device that floods. */
  constructor(dismiss: (device: Device) => void) {
    this.#dismiss = dismiss;
    const memberOf = (emitter: Connection | Wire) => this.#members.get(emitter)!;
    const count = (member: Member) => this.#count(member);
    const leave = (member: Member) => this.#leave(member);
    // The same for all: a closure of its own for each event of each connection takes more than what there is to remember.
    this.#listeners = {
      packet(this: Connection | Wire) {
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
    if (this.#sizes.of(network) >= mostTold) return Promise.resolve(false);
    return this.#connects.take(network).then(
      () => true,
      () => false,
    );
  }

  /** Every connection counts, also one that never asks for the namespace. */
  enter(connection: Connection): void {
    const network = networkOfRequest(connection.request);
    const isSurplus = this.#sizes.enter(network) > most;
    const member = { connection, network, isSurplus, untaken: new Untaken(), packets: new Window() };
    const wire = wireOf(connection);
    this.#members.set(connection, member).set(wire, member);
    const { packet, packetCreate, flush, close } = this.#listeners;
    connection.on("packet", packet).on("packetCreate", packetCreate).on("flush", flush).on("close", close);
    // WebSocket's own, which Socket.IO never shows and never sends: each ping is answered.
    wire.on("ping", packet).on("pong", packet);
  }

  isSurplus(connection: Connection): boolean {
    return this.#members.get(connection)!.isSurplus;
  }

  /** The device that is at the end of its connection. */
  meet(device: Device): void {
    this.#members.get(device.conn)!.device = device;
  }

  /** Counts one event of a connection and its user. Throws TOO_MANY_REQUESTS. */
  async hear(connection: Connection, userId: string | undefined): Promise<void> {
    const member = this.#members.get(connection)!;
    (member.events ??= new Window()).take(bounds.eventsByConnection, "Too many events");
    await this.#byNetwork.take(member.network);
    if (userId) await this.#byUser.take(userId);
  }

  /** Counts one attempt to authorize. Throws TOO_MANY_REQUESTS. */
  authorizes(connection: Connection): void {
    const member = this.#members.get(connection)!;
    (member.authorizations ??= new Window()).take(bounds.authorizationsByConnection, "Too many attempts to authorize");
  }

  #count({ connection, packets, device }: Member): void {
    try {
      packets.take(bounds.packetsByConnection, "Too many packets");
    } catch {
      const { packet } = this.#listeners;
      connection.off("packet", packet);
      wireOf(connection).off("ping", packet).off("pong", packet);
      if (device) this.#dismiss(device);
      else connection.close();
      endSoon(connection);
    }
  }

  #leave({ connection, network }: Member): void {
    this.#sizes.leave(network);
    endSoon(connection);
  }
}

const networkOfRequest = ({ socket, headers }: IncomingMessage) =>
  networkOf(clientAddress(socket.remoteAddress, headers["x-forwarded-for"] as string | undefined, env.trustedProxies));
