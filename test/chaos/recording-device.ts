import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { Shared } from "../../bin/processes/servers.ts";
import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { ServerToClient } from "../../contracts/socket.ts";
import type { Cluster } from "./cluster-harness.ts";
import { now, type DeviceHistory } from "./history.ts";
import { request, type Response } from "./request.ts";

export interface User {
  id: string;
  token: string;
}

/** A stock Socket.IO client that reconnects, reads the rest of its inbox from the list, and records every notice. */
export class RecordingDevice {
  readonly history: DeviceHistory;
  /** Resolves with the first inbox. */
  readonly hasInbox: Promise<void>;
  readonly #socket: Socket<ServerToClient>;
  readonly #owner: User;
  readonly #cluster: Cluster<Shared>;
  #reading = 0;
  #isClosed = false;

  constructor(owner: User, cluster: Cluster<Shared>, node: string) {
    const name = `${owner.id}@${node}`;
    this.history = { name, userId: owner.id, shown: [], isConnected: false };
    [this.#owner, this.#cluster] = [owner, cluster];
    this.#socket = io(cluster.get(node).node.sockets, {
      transports: ["websocket"],
      forceNew: true,
      auth: { token: owner.token },
      reconnectionDelay: 100,
      reconnectionDelayMax: 1000,
    });
    this.hasInbox = new Promise((resolve) => this.#socket.once("inbox", () => resolve()));
    this.#socket.on("notification", (notification) => this.#show("push", notification));
    this.#socket.on("inbox", ({ notifications, nextCursor }) => {
      this.#show("inbox", ...notifications);
      if (nextCursor) void this.#readRest(nextCursor);
    });
  }

  get isConnected(): boolean {
    return this.#socket.connected;
  }

  get isIdle(): boolean {
    return this.#reading === 0;
  }

  #show(from: DeviceHistory["shown"][number]["from"], ...notifications: Notification[]): void {
    for (const { id: noticeId } of notifications)
      this.history.shown.push({ noticeId, at: now(), from });
  }

  async #readRest(cursor: string | null): Promise<void> {
    this.#reading++;
    for (let failures = 0; cursor && failures < 100 && !this.#isClosed;) {
      const { apis } = this.#cluster;
      const api = apis[failures % apis.length]!;
      const path = `/notifications?unread=true&limit=100&cursor=${cursor}`;
      const { token } = this.#owner;
      const page: Response<Inbox> | null = await request<Inbox>(api, "GET", path, token).catch(
        () => null,
      );
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
