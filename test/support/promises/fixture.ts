import { io, type Socket } from "socket.io-client";
import type { Item } from "../../../contracts/market.ts";
import type { Inbox } from "../../../contracts/notifications.ts";
import type { ServerToClient } from "../../../contracts/socket.ts";
import { Client, type Answer } from "../client.ts";
import type { Fabric } from "../fabric.ts";

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Bought = { ok: true; saleId: string };
export type Page = { items: Item[]; nextCursor: string | null };

/** The market under test, with a seller and a buyer. Started before the first test. */
export interface Fixture {
  fabric: Fabric;
  seller: Client;
  buyer: Client;
  /** Closed after the last test. */
  devices: { close(): void }[];
  buy(client: Client, id: string, body?: object): Promise<Answer<Bought>>;
  inboxOf(client: Client): Promise<Inbox>;
  /** One page of the list. */
  items(query: string): Promise<Page>;
  /** Connects a socket. Resolves when it has its inbox. */
  device(client: Client): Promise<{ socket: Socket<ServerToClient> }>;
}

/** A fixture whose `fabric`, `seller` and `buyer` are not set yet. */
export function newFixture(): Fixture {
  const fixture = {
    devices: [] as { close(): void }[],
    buy: (client: Client, id: string, body?: object) =>
      client.call<Bought>("POST", `/market/buy/${id}`, body),
    inboxOf: async (client: Client) =>
      (await client.call<Inbox>("GET", "/notifications?limit=100")).body,
    items: async (query: string) =>
      (await new Client(fixture.fabric.api).call<Page>("GET", `/market/items?${query}`)).body,
    async device(client: Client) {
      const socket: Socket<ServerToClient> = io(fixture.fabric.sockets, {
        auth: { token: client.session!.accessToken },
        transports: ["websocket"],
      });
      fixture.devices.push(socket);
      await new Promise<Inbox>((resolve, reject) =>
        socket.once("inbox", resolve).once("connect_error", reject),
      );
      return { socket };
    },
  } as Fixture;
  return fixture;
}
