import { io, type Socket } from "socket.io-client";
import type { ClientToServer, ServerToClient } from "../../contracts/socket.ts";
import { toInboxPage, toNotice, type InboxPage, type Notification } from "../notices.ts";
import { attention } from "./attention.ts";
import { isCode, SoukError } from "../souk-error.ts";
import { backoff } from "../retry.ts";
import type { Access } from "../session/session-manager.ts";

export interface InboxHandlers {
  /** The server is about to send an inbox. */
  inboxRequested(): void;
  inbox(inbox: InboxPage): void;
  notification(notification: Notification): void;
  read(read: Parameters<ServerToClient["read"]>[0]): void;
  /** Called at most once. `code` is the server's reason, if it gave one; `token` is the last token that was sent. */
  disconnected(code: string | undefined, token: string): void;
}

/** For the acknowledgement of an event. */
const ackTimeoutMs = 10_000;
/** For a new connection: a proxy may accept it and then be silent. */
const connectTimeoutMs = 8_000;
/** For the acknowledgement of a heartbeat, when the user is back and the connection may be dead. */
const heartbeatTimeoutMs = 3_000;

/**
 * One connection to the sockets. It sends a fresh token before the last one expires. It does not reconnect: Socket.IO's own reconnection
 * would send an old token, and gives up after a refusal. Make a new connection instead.
 */
export class InboxConnection {
  readonly #socket: Socket<ServerToClient, ClientToServer>;
  readonly #freshAccess: () => Promise<Access>;
  readonly #handlers: InboxHandlers;
  #access: Access;
  #isClosed = false;
  /** The receipts of what came while the page was hidden. The server asks for at most 1,000. */
  readonly #unshown: (() => void)[] = [];
  #closeCode: string | undefined;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #isProbing = false;

  constructor(
    url: string,
    access: Access,
    freshAccess: () => Promise<Access>,
    handlers: InboxHandlers,
  ) {
    this.#access = access;
    this.#freshAccess = freshAccess;
    this.#handlers = handlers;
    this.#socket = io(url, {
      transports: ["websocket"],
      auth: { token: access.token },
      reconnection: false,
      forceNew: true,
    });
    this.#connectTimer = setTimeout(() => this.#disconnected(), connectTimeoutMs);
    this.#listen();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#connectTimer);
    this.#socket.disconnect();
  }

  /** The user is back: what came meanwhile is shown now, and a dead connection is found out at once. */
  returned(): void {
    for (const acknowledge of this.#unshown.splice(0)) acknowledge();
    void this.probe();
  }

  /** Disconnects when the server does not answer within three seconds. Otherwise Engine.IO notices a dead connection after up to 25 s. */
  async probe(): Promise<void> {
    if (this.#isProbing || this.#isClosed) return;
    this.#isProbing = true;
    try {
      // Any answer will do: a refusal is one, too.
      await this.#socket.timeout(heartbeatTimeoutMs).emitWithAck("heartbeat", {});
    } catch {
      this.#disconnected();
    }
    this.#isProbing = false;
  }

  #listen(): void {
    const { inbox, notification, read } = this.#handlers;
    this.#socket
      .on("connect", () => {
        clearTimeout(this.#connectTimer);
        this.#handlers.inboxRequested();
        this.#renewIn(this.#access.renewAtAge - this.#access.age());
      })
      .on("inbox", (received, ack) => {
        inbox(toInboxPage(received));
        this.#acknowledge(ack);
      })
      .on("notification", (received, ack) => {
        notification(toNotice(received));
        this.#acknowledge(ack);
      })
      .on("read", read)
      .on("closing", ({ code }) => void (this.#closeCode = code))
      .on("disconnect", () => this.#disconnected(this.#closeCode))
      .on("connect_error", (error) =>
        this.#disconnected((error as { data?: { code?: string } }).data?.code),
      );
  }

  /** The receipt that the user was shown what came. On a hidden page it waits for the user. Servers of 0.1.0 ask for none. */
  #acknowledge(ack: (() => void) | undefined): void {
    if (attention() === "hidden" && ack) this.#unshown.push(ack);
    else ack?.();
  }

  #disconnected(code?: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#handlers.disconnected(code, this.#access.token);
  }

  #renewIn(ms: number, failures = 0): void {
    this.#renewTimer = setTimeout(() => void this.#renew(failures), Math.max(0, ms));
  }

  /** Sends a fresh token. The server answers with a new inbox, too. */
  async #renew(failures: number): Promise<void> {
    try {
      this.#access = await this.#freshAccess();
      if (this.#isClosed) return;
      this.#handlers.inboxRequested();
      const answer = await this.#socket
        .timeout(ackTimeoutMs)
        .emitWithAck("authorize", { token: this.#access.token });
      if (!answer.ok) throw new SoukError(answer.code, answer.detail);
      this.#renewIn(this.#access.renewAtAge - this.#access.age());
    } catch (error) {
      if (this.#isClosed) return;
      if (isCode(error, "UNAUTHENTICATED", "FORBIDDEN"))
        this.#disconnected((error as SoukError).code);
      else this.#renewIn(backoff(failures, 1_000, 8_000), failures + 1);
    }
  }
}
