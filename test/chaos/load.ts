/** Buyers, and sellers with their devices, over the public interface: HTTP and sockets. The history records all they observe. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import type { Shared } from "../../bin/processes/servers.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { offered } from "../../domain/offer.ts";
import { tokenOf } from "../support/tokens.ts";
import type { Cluster } from "./cluster-harness.ts";
import { now, type FinalState, type History, type Outcome } from "./history.ts";
import { RecordingDevice, type User } from "./recording-device.ts";
import { request } from "./request.ts";

/** A buyer stops retrying after this, so that the run ends when the cluster never recovers. */
const maxTries = 300;

export class Load {
  readonly cluster: Cluster<Shared>;
  readonly history: History;
  readonly random: () => number;
  readonly #devices: RecordingDevice[] = [];
  readonly #taps: (() => void)[];
  readonly #sellers = new Set<string>();
  /** Items for which every buyer has a definite outcome. */
  purchases = 0;
  #workers: Promise<void>[] = [];
  #isStopping = false;

  constructor(cluster: Cluster<Shared>, history: History, random: () => number = Math.random) {
    [this.cluster, this.history, this.random] = [cluster, history, random];
    this.#taps = cluster.of("market").map(({ amqp }) => amqp.tap("up", notifyCalls(history)));
  }

  async newUser(): Promise<User> {
    const key = JSON.parse(
      Buffer.from(this.cluster.env.AUTH_PRIVATE_JWK, "base64url").toString(),
    ) as JWK;
    const id = randomUUID();
    return { id, token: await tokenOf(key, id) };
  }

  newUsers(count: number): Promise<User[]> {
    return Promise.all(Array.from({ length: count }, () => this.newUser()));
  }

  /** Inserts items for sale into the database, because only their sale is under test. */
  async insertItems(seller: User, count: number): Promise<string[]> {
    this.#sellers.add(seller.id);
    const items = Array.from({ length: count }, (_, n): ItemDocument =>
      offered(
        { title: `Lamp ${n}`, price: 4200 },
        { id: randomUUID(), sellerId: seller.id, currency: "EUR", now: new Date() },
      ),
    );
    await this.cluster.items.insertMany(items);
    return items.map(({ _id }) => _id);
  }

  /** Connects a device to each of the given nodes of notifications. Resolves when each has its inbox. */
  async connectDevices(owner: User, nodes: string[]): Promise<void> {
    const devices = nodes.map((node) => new RecordingDevice(owner, this.cluster, node));
    this.#devices.push(...devices);
    this.history.devices.push(...devices.map(({ history }) => history));
    await Promise.all(devices.map((device) => device.hasInbox));
  }

  /** Buys, and retries until the outcome is definite, through any api. */
  async buy(buyer: User, itemId: string): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#buyOnce(buyer, itemId);
      if (outcome.type !== "unknown" || tries > maxTries) return outcome;
      await pause(50 + 250 * this.random());
    }
  }

  async #buyOnce(buyer: User, itemId: string): Promise<Outcome> {
    const { apis } = this.cluster;
    const api = apis[Math.floor(this.random() * apis.length)]!;
    const startedAt = now();
    const path = `/market/buy/${itemId}`;
    const { token } = buyer;
    const outcome = await request<{ saleId: string; code: string }>(api, "POST", path, token).then(
      ({ status, body: { saleId, code } }): Outcome => {
        if (status === 200) return { type: "ok", saleId };
        return status < 500 ? { type: "refused", code } : { type: "unknown", reason: code };
      },
      (error: Error): Outcome => {
        const code = (error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.name;
        return { type: "unknown", reason: `no response: ${code}` };
      },
    );
    this.history.buys.push({ buyerId: buyer.id, itemId, startedAt, endedAt: now(), outcome });
    return outcome;
  }

  /** Sells these items, `concurrency` at a time: each to one buyer, to three at once, or twice to one buyer. */
  sell(items: string[], buyers: User[], concurrency: number): void {
    const anyone = () => buyers[Math.floor(this.random() * buyers.length)]!;
    const worker = async () => {
      for (let itemId = items.pop(); itemId && !this.#isStopping; itemId = items.pop()) {
        const dice = this.random();
        const rivals = dice < 0.25 ? [anyone(), anyone(), anyone()] : [anyone()];
        await Promise.all(rivals.map((buyer) => this.buy(buyer, itemId)));
        if (dice > 0.9) await this.buy(rivals[0]!, itemId);
        this.purchases++;
      }
    };
    this.#workers = Array.from({ length: concurrency }, worker);
  }

  /** Starts no more buys. Resolves when those in flight have a definite outcome. */
  async stopSelling(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
  }

  /** Resolves when all items are sold. */
  async soldOut(): Promise<void> {
    await Promise.all(this.#workers);
  }

  /** Waits, at most `within` ms, until every notice is delivered and shown. The checker then reports missing notices. */
  async settle(within: number): Promise<void> {
    const deadline = now() + within;
    while (now() < deadline && !(await this.#isSettled().catch(() => false))) await pause(200);
    for (const device of this.#devices) device.history.isConnected = device.isConnected;
  }

  async #isSettled(): Promise<boolean> {
    const { items } = this.cluster;
    const sales = { sellerId: { $in: [...this.#sellers] }, isSold: true };
    const undelivered = { "outbox.entries.notice.state": { $ne: "delivered" } };
    const pending = await items.countDocuments({ ...sales, ...undelivered });
    if (pending > 0) return false;
    if (!this.#devices.every((device) => device.isConnected && device.isIdle)) return false;
    const sold = await items
      .find(sales)
      .project<{ sellerId: string; saleId: string }>({ sellerId: 1, saleId: 1 })
      .toArray();
    const bySeller = Map.groupBy(sold, ({ sellerId }) => sellerId);
    return this.#devices.every(({ history }) => {
      const shown = new Set(history.shown.map(({ noticeId }) => noticeId));
      return (bySeller.get(history.userId) ?? []).every(({ saleId }) => shown.has(saleId));
    });
  }

  /** The documents of this load's sellers. */
  finalState(): Promise<FinalState> {
    return this.cluster.finalState([...this.#sellers]);
  }

  close(): void {
    for (const device of this.#devices) device.close();
    for (const removeTap of this.#taps) removeTap();
  }
}

/** Records the notices in the JSON that a market node sends to RabbitMQ, whether in calls of their own or in batches. */
function notifyCalls(history: History): (chunk: Buffer, connection: object) => void {
  const notice = /\{"id":"([\w-]+)","userId":"/g;
  const rests = new WeakMap<object, string>();
  return (chunk, connection) => {
    const text = (rests.get(connection) ?? "") + chunk.toString("latin1");
    let end = 0;
    for (const match of text.matchAll(notice)) {
      history.calls.push({ saleId: match[1]!, at: now() });
      end = match.index + match[0].length;
    }
    // A notice may continue in the next chunk of its connection.
    rests.set(connection, text.slice(Math.max(end, text.length - 200)));
  };
}
