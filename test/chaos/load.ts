/** Buyers, and sellers with their devices, over what anybody may use: HTTP and sockets. All they see goes into the history. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import { io, type Socket } from "socket.io-client";
import type { Problem } from "../../contracts/errors.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { ServerToClient } from "../../contracts/socket.ts";
import { offered } from "../../domain/offer.ts";
import { tokenOf } from "../support/tokens.ts";
import type { Remains } from "./checker.ts";
import { now, type History, type Outcome, type Screen } from "./history.ts";
import type { House } from "./cluster-harness.ts";
import type { Shared } from "../../bin/processes/servers.ts";

/** After which a client gives up (ms): well after the answer is due. */
const patience = 15_000;

export interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

/** Throws when the connection is lost or nobody answers. */
export async function ask<T = Problem>(
  api: string,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<Answer<T>> {
  const response = await fetch(api + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text ? JSON.parse(text) : undefined) as T,
    headers: response.headers,
  };
}

export interface Person {
  id: string;
  token: string;
}

export class Load {
  readonly house: House<Shared>;
  readonly history: History;
  readonly random: () => number;
  readonly #devices: Device[] = [];
  readonly #taps: (() => void)[];
  readonly #sellers = new Set<string>();
  /** Bought and answered, by so many buyers each. */
  purchases = 0;
  /** Ended by `finish`. */
  #lanes: Promise<void>[] = [];
  #isOver = false;

  constructor(house: House<Shared>, history: History, random: () => number = Math.random) {
    [this.house, this.history, this.random] = [house, history, random];
    this.#taps = house.of("market").map(({ amqp }) => amqp.tap("up", callsIn(history)));
  }

  async person(): Promise<Person> {
    const key = JSON.parse(
      Buffer.from(this.house.env.AUTH_PRIVATE_JWK, "base64url").toString(),
    ) as JWK;
    const id = randomUUID();
    return { id, token: await tokenOf(key, id) };
  }

  people(count: number): Promise<Person[]> {
    return Promise.all(Array.from({ length: count }, () => this.person()));
  }

  /** Items for sale, written past the services: what is under test is how they are sold. */
  async stock(seller: Person, count: number): Promise<string[]> {
    this.#sellers.add(seller.id);
    const items = Array.from({ length: count }, (_, n): ItemDocument => {
      return offered(
        { title: `Lamp ${n}`, price: 4200 },
        { id: randomUUID(), sellerId: seller.id, currency: "EUR", now: new Date() },
      );
    });
    await this.house.items.insertMany(items);
    return items.map(({ _id }) => _id);
  }

  /** A stock client on each of the given nodes of notifications; resolves when it was greeted. */
  async devices(owner: Person, nodes: string[]): Promise<void> {
    const opened = nodes.map((node) => new Device(`${owner.id}@${node}`, owner, this.house, node));
    this.#devices.push(...opened);
    this.history.screens.push(...opened.map(({ screen }) => screen));
    await Promise.all(opened.map((device) => device.greeted));
  }

  /** Buys, and asks again until the outcome is known, through one api or another. */
  async buy(buyer: Person, itemId: string): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#buyOnce(buyer, itemId);
      if (outcome.is !== "unknown") return outcome;
      // A house that never gets well again shall end the run all the same; the checker sees that this is open.
      if (tries > 300) return outcome;
      await pause(50 + 250 * this.random());
    }
  }

  async #buyOnce(buyer: Person, itemId: string): Promise<Outcome> {
    const { apis } = this.house;
    const api = apis[Math.floor(this.random() * apis.length)]!;
    const begun = now();
    const outcome = await ask<{ saleId: string; code: string }>(
      api,
      "POST",
      `/market/buy/${itemId}`,
      buyer.token,
    ).then(
      ({ status, body: { saleId, code } }): Outcome => {
        if (status === 200) return { is: "ok", saleId };
        return status < 500 ? { is: "refused", code } : { is: "unknown", why: code };
      },
      (error: Error): Outcome => ({
        is: "unknown",
        why: `no answer: ${(error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.name}`,
      }),
    );
    this.history.buys.push({ buyerId: buyer.id, itemId, begun, ended: now(), outcome });
    return outcome;
  }

  /** Sells these items in so many lanes: each to one buyer, to three who ask at once, or to one who asks again afterwards. */
  sell(items: string[], buyers: Person[], lanes: number): void {
    const anyone = () => buyers[Math.floor(this.random() * buyers.length)]!;
    const lane = async () => {
      for (let itemId = items.pop(); itemId && !this.#isOver; itemId = items.pop()) {
        const dice = this.random();
        const rivals = dice < 0.25 ? [anyone(), anyone(), anyone()] : [anyone()];
        await Promise.all(rivals.map((buyer) => this.buy(buyer, itemId)));
        if (dice > 0.9) await this.buy(rivals[0]!, itemId);
        this.purchases++;
      }
    };
    this.#lanes = Array.from({ length: lanes }, lane);
  }

  /** All that is begun is finished, or all that there was. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
  }

  async soldOut(): Promise<void> {
    await Promise.all(this.#lanes);
  }

  /** Waits until every debt is told and every device shows what it should; what is then still missing, the checker tells. */
  async settle(within: number): Promise<void> {
    const until = now() + within;
    const sales = { sellerId: { $in: [...this.#sellers] }, isSold: true };
    const isSettled = async () => {
      if (
        (await this.house.items.countDocuments({ ...sales, "notice.state": { $ne: "told" } })) > 0
      )
        return false;
      if (!this.#devices.every((device) => device.isConnected && device.isIdle)) return false;
      const sold = await this.house.items
        .find(sales)
        .project<{ sellerId: string; saleId: string }>({ sellerId: 1, saleId: 1 })
        .toArray();
      const bySeller = Map.groupBy(sold, ({ sellerId }) => sellerId);
      return this.#devices.every(({ screen }) => {
        const shown = new Set(screen.shown.map(({ noticeId }) => noticeId));
        return (bySeller.get(screen.userId) ?? []).every(({ saleId }) => shown.has(saleId));
      });
    };
    while (now() < until && !(await isSettled().catch(() => false))) await pause(200);
    for (const device of this.#devices) device.screen.isConnected = device.isConnected;
  }

  /** What there is of what was stocked. */
  remains(): Promise<Remains> {
    return this.house.remains([...this.#sellers]);
  }

  close(): void {
    for (const device of this.#devices) device.close();
    for (const untap of this.#taps) untap();
  }
}

/** A stock Socket.IO client that reads the rest of its inbox from the list, as the contract says, and reconnects by itself. */
class Device {
  readonly screen: Screen;
  readonly greeted: Promise<void>;
  readonly #socket: Socket<ServerToClient>;
  readonly #owner: Person;
  readonly #house: House<Shared>;
  #reading = 0;
  #isClosed = false;

  constructor(name: string, owner: Person, house: House<Shared>, node: string) {
    this.screen = { name, userId: owner.id, shown: [], isConnected: false };
    [this.#owner, this.#house] = [owner, house];
    this.#socket = io(house.get(node).node.sockets, {
      transports: ["websocket"],
      forceNew: true,
      auth: { token: owner.token },
      reconnectionDelay: 100,
      reconnectionDelayMax: 1000,
    });
    this.greeted = new Promise((resolve) => this.#socket.once("inbox", () => resolve()));
    this.#socket.on("notification", (notification) => this.#show("push", notification));
    this.#socket.on("inbox", ({ notifications, nextCursor }) => {
      this.#show("inbox", ...notifications);
      if (nextCursor) void this.#readOn(nextCursor);
    });
  }

  get isConnected(): boolean {
    return this.#socket.connected;
  }

  get isIdle(): boolean {
    return this.#reading === 0;
  }

  #show(how: Screen["shown"][number]["how"], ...notifications: Notification[]): void {
    for (const { id: noticeId } of notifications)
      this.screen.shown.push({ noticeId, at: now(), how });
  }

  async #readOn(cursor: string | null): Promise<void> {
    this.#reading++;
    for (let failures = 0; cursor && failures < 100 && !this.#isClosed;) {
      const { apis } = this.#house;
      const api = apis[failures % apis.length]!;
      const path = `/notifications?unread=true&limit=100&cursor=${cursor}`;
      const page: Answer<Inbox> | null = await ask<Inbox>(
        api,
        "GET",
        path,
        this.#owner.token,
      ).catch(() => null);
      if (page?.status === 200) {
        this.#show("list", ...page.body.notifications);
        cursor = page.body.nextCursor;
      } else {
        failures++;
        await pause(200);
      }
    }
    this.#reading--;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}

/** Finds the notices, each in a call of its own or with others, in what a market node sends to RabbitMQ, which is JSON. */
function callsIn(history: History): (chunk: Buffer) => void {
  const call = /\{"id":"([\w-]+)","userId":"/g;
  let rest = "";
  return (chunk) => {
    const text = rest + chunk.toString("latin1");
    let end = 0;
    for (const match of text.matchAll(call)) {
      history.calls.push({ saleId: match[1]!, at: now() });
      end = match.index + match[0].length;
    }
    // A call may go on in the next chunk; several connections of one node follow each other.
    rest = text.slice(Math.max(end, text.length - 200));
  };
}
