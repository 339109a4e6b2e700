/** The actions of a seller, a buyer and a visitor, used to check which parts work during a fault. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Session } from "../../contracts/users.ts";
import { password } from "../support/client.ts";
import { Device } from "../support/device.ts";
import type { Cluster } from "./cluster-harness.ts";
import { newHistory, now } from "./history.ts";
import { Load } from "./load.ts";
import type { User } from "./recording-device.ts";
import { request, type Response } from "./request.ts";

/** Ms between two requests for a surface. */
const interval = 100;

type Reply = Pick<Response<unknown>, "status"> & Partial<Response<{ code?: string }>>;

export const isSuccess = ({ status }: Reply) => status === 200 || status === 201;

const refreshable = (session: Session) => ({ ...session, idempotencyKey: randomUUID() });
const newAccount = () => ({ email: `${randomUUID()}@souk.test`, password, name: "N" });

export class Shop {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly seller: User;
  readonly buyer: User;
  /** The seller's, one on each node of notifications. */
  readonly devices: Device[];
  /** Items for sale, and the ids of sales. */
  readonly items: string[];
  readonly sales: string[] = [];
  readonly #account: ReturnType<typeof newAccount>;
  #session: Session & { idempotencyKey: string };

  private constructor(
    load: Load,
    [seller, buyer]: [User, User],
    account: ReturnType<typeof newAccount>,
    session: Session,
    devices: Device[],
    items: string[],
  ) {
    [this.load, this.seller, this.buyer] = [load, seller, buyer];
    [this.devices, this.items] = [devices, items];
    [this.#account, this.#session] = [account, refreshable(session)];
    // A load takes any cluster; this one has servers that can be killed.
    this.cluster = load.cluster as Cluster;
  }

  static async open(cluster: Cluster): Promise<Shop> {
    const load = new Load(cluster, newHistory());
    const [seller, buyer] = [await load.newUser(), await load.newUser()];
    // An account for logins, another one for refreshes: each login is a session, and an account keeps only its last ones.
    const account = newAccount();
    const register = (body: object) =>
      request<Session>(cluster.apis[0]!, "POST", "/users", undefined, body);
    await register(account);
    const { body: session } = await register(newAccount());
    const devices = cluster
      .of("notifications")
      .map(({ node }) => new Device(node.sockets, seller.token));
    for (const device of devices) await device.receives("inbox");
    const items = await load.insertItems(seller, 1_000);
    return new Shop(load, [seller, buyer], account, session, devices, items);
  }

  /** What a client can do. Each resolves with status 200 or 201 when it works. */
  readonly surfaces = {
    browse: (api: string) =>
      request(api, "GET", `/market/items?sellerId=${this.seller.id}&limit=5`),
    sell: (api: string) =>
      request(api, "POST", "/market/items", this.seller.token, { title: "A lamp", price: 4200 }),
    buy: (api: string) => this.#buy(api),
    inbox: (api: string) => request(api, "GET", "/notifications", this.seller.token),
    register: (api: string) => request(api, "POST", "/users", undefined, newAccount()),
    login: (api: string) =>
      request(api, "POST", "/users/login", undefined, { email: this.#account.email, password }),
    refresh: (api: string) => this.#refresh(api),
    /** Both devices show a sale made now. */
    "live notices": async (api: string) => {
      const response = await this.#buy(api);
      if (response.status === 200) await this.#areShown(response.body.saleId);
      return response;
    },
    /** Both devices show a notice that is not from a sale. */
    "live sockets": async () => {
      const { id } = await this.cluster.broker.call<{ id: string }, object>(
        "notifications.notify",
        { userId: this.seller.id, text: "Hello" },
      );
      await this.#areShown(id);
      return { status: 200 };
    },
    "open sockets": async () => ({
      status: this.devices.every(({ socket }) => socket.connected) ? 200 : 0,
    }),
  };

  async #buy(api: string) {
    const path = `/market/buy/${this.items.pop()}`;
    const response = await request<{ saleId: string }>(api, "POST", path, this.buyer.token);
    if (response.status === 200) this.sales.push(response.body.saleId);
    return response;
  }

  /** With its idempotency key, a refresh that was interrupted by a fault can be retried. */
  async #refresh(api: string) {
    const { refreshToken, idempotencyKey } = this.#session;
    const response = await request<Session>(api, "POST", "/users/refresh", undefined, {
      refreshToken,
      idempotencyKey,
    });
    if (response.status === 200 && this.#session.refreshToken === refreshToken)
      this.#session = refreshable(response.body);
    return response;
  }

  async #areShown(noticeId: string): Promise<void> {
    await Promise.all(this.devices.map((device) => device.shows(noticeId, 5_000)));
  }

  /** Uses the surface through api number `turn`. */
  async timed(surface: Surface, turn: number): Promise<{ reply: Reply; ms: number }> {
    const startedAt = now();
    const { apis } = this.cluster;
    const reply: Reply = await this.surfaces[surface](apis[turn % apis.length]!);
    return { reply, ms: now() - startedAt };
  }

  /** Uses the surface repeatedly until `deadline` (ms on the history's clock). */
  async repeat(
    surface: Surface,
    deadline: number,
    onReply: (reply: Reply, ms: number) => void,
  ): Promise<void> {
    for (let turn = 0; now() < deadline; turn++) {
      const { reply, ms } = await this.timed(surface, turn);
      onReply(reply, ms);
      await pause(interval);
    }
  }

  close(): void {
    for (const device of this.devices) device.close();
  }
}

export type Surface = keyof Shop["surfaces"];
