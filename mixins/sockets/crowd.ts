import type { IncomingMessage } from "node:http";
import { env } from "../../broker/env.ts";
import { clientAddress, networkOf } from "../../domain/addresses.ts";
import { atOnce, bounds } from "../../domain/bounds.ts";
import { Limiter, scaled, Tally } from "../limiter.ts";
import { boundUntaken, endSoon, wireOf, type Connection } from "./wire.ts";

interface Member {
  id: string;
  network: string;
  /** It came in above the bound, to be told so and closed. */
  isSurplus: boolean;
  /** Called once, when it floods. */
  end(): void;
}

const most = scaled(atOnce.socketsByNetwork);
/** With those who are about to be told that they are too many; who comes above this is not even told. */
const mostTold = Math.ceil(most * 1.1);

/** Everyone who is connected: how many from where, and how much they say. */
export class Crowd {
  readonly #sizes = new Tally();
  #entered = 0;
  readonly #members = new WeakMap<Connection, Member>();
  readonly #connects = new Limiter(bounds.connectsByNetwork, "Too many connections from this address");
  readonly #packets = new Limiter(bounds.packetsByConnection, "Too many packets");
  readonly #byConnection = new Limiter(bounds.eventsByConnection, "Too many events");
  readonly #byUser = new Limiter(bounds.eventsByUser, "Too many events of this user");
  readonly #byNetwork = new Limiter(bounds.eventsByNetwork, "Too many events from this address");
  readonly #authorizations = new Limiter(bounds.authorizationsByConnection, "Too many attempts to authorize");

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
    const id = `${++this.#entered}`;
    const member = { id, network, isSurplus: this.#sizes.enter(network) > most, end: () => connection.close() };
    this.#members.set(connection, member);
    connection.once("close", () => {
      this.#sizes.leave(network);
      endSoon(connection);
    });
    boundUntaken(connection);
    const wire = wireOf(connection);
    const count = () =>
      this.#packets.take(id).catch(() => {
        connection.off("packet", count);
        wire.off("ping", count).off("pong", count);
        member.end();
        endSoon(connection);
      });
    connection.on("packet", count);
    // WebSocket's own, which Socket.IO never shows and never sends: each ping is answered.
    wire.on("ping", count).on("pong", count);
  }

  isSurplus(connection: Connection): boolean {
    return this.#members.get(connection)!.isSurplus;
  }

  /** How to end it when it floods. */
  onFlood(connection: Connection, end: () => void): void {
    this.#members.get(connection)!.end = end;
  }

  /** Counts one event of a connection and its user. Throws TOO_MANY_REQUESTS. */
  async hear(connection: Connection, userId: string | undefined): Promise<void> {
    const { id, network } = this.#members.get(connection)!;
    await this.#byConnection.take(id);
    await this.#byNetwork.take(network);
    if (userId) await this.#byUser.take(userId);
  }

  /** Counts one attempt to authorize. Throws TOO_MANY_REQUESTS. */
  authorizes(connection: Connection): Promise<void> {
    return this.#authorizations.take(this.#members.get(connection)!.id);
  }
}

const networkOfRequest = ({ socket, headers }: IncomingMessage) =>
  networkOf(clientAddress(socket.remoteAddress, headers["x-forwarded-for"] as string | undefined, env.trustedProxies));
