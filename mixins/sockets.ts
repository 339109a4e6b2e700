import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerOptions } from "socket.io";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { meterOf } from "../broker/metrics/meter.ts";
import { codeOf, refusal } from "../broker/refusal.ts";
import type { Notification } from "../contracts/notifications.ts";
import { authorizeWithin } from "../contracts/socket.ts";
import { isAllowedOrigin } from "../edge/policy/origins.ts";
import { listen } from "../edge/server.ts";
import { Connections } from "../edge/sockets/connections.ts";
import {
  parsePayload,
  receiveUnknown,
  refusedAnswer,
  splitArgs,
  type Answer,
  type Payload,
} from "../edge/sockets/events.ts";
import { authenticate, dropRequest, dropRequestOfResponse } from "../edge/sockets/handshake.ts";
import { createSocketServer, terminateAfterStop } from "../edge/sockets/http-server.ts";
import {
  disconnectExpired,
  disconnectSession,
  isRoomFull,
  roomOf,
  socketsOf,
} from "../edge/sockets/rooms.ts";
import { measureSockets, type NoticePast } from "../edge/sockets/measure.ts";
import { sendInboxWithRetry } from "../edge/sockets/send-inbox.ts";
import { limitFrames, type Connection } from "../edge/sockets/transport.ts";
import {
  closeConnection,
  disconnect,
  userOf,
  type ClientEvent,
  type UserSocket,
} from "../edge/sockets/user-socket.ts";
import type { Verified } from "../edge/token-verifier.ts";
import { keyOf, type ListedNotices } from "../domain/inbox.ts";
import { uptime } from "../edge/uptime.ts";
import { identity } from "./identity.ts";
import { closedIo } from "./moleculer-io.ts";

/** The handlers that a service gives its sockets. Each is called for authorized sockets only. */
interface Handlers<Self> {
  /** Called after every authorization, and again with backoff while it fails. */
  inbox(this: Self, userId: string): Promise<ListedNotices>;
  /** A device of their user has shown the notices with these keys. */
  shown(this: Self, keys: string[]): void;
  /** Answers the event `read`. */
  read(
    this: Self,
    socket: UserSocket,
    payload: Payload<"read">,
    userId: string,
  ): Promise<Answer<"read">>;
}

/** How often expired sockets are disconnected (ms). One timer for all costs less than one each. */
const expireInterval = 1_000;

/** Socket.IO on its own port, for users that an access token proves: moleculer-io, closed. */
export function sockets<Self>({ inbox, shown, read }: Handlers<Self>) {
  // The mixin cannot name the type of the service that it becomes part of.
  const selfOf = (service: unknown) => service as Self;

  return define({
    mixins: [identity, closedIo],

    state() {
      return {
        server: createSocketServer(),
        connections: new Connections(this.broker),
        expireTimer: undefined as NodeJS.Timeout | undefined,
      };
    },

    methods: {
      address(): AddressInfo {
        return this.server.address() as AddressInfo;
      },

      /** The port on which api serves the page. On this node it may be any free port. */
      pagePort(): number {
        const api = this.broker.getLocalService("api") as
          { address?(): AddressInfo | null } | undefined;
        return api?.address?.()?.port ?? env.port;
      },

      async isAllowed(request: IncomingMessage): Promise<boolean> {
        const { origin, host } = request.headers;
        if (!isAllowedOrigin(origin, host, env.origins, this.pagePort())) return false;
        return this.connections.accepts(request);
      },

      /** moleculer-io calls this before a socket joins the namespace. Sockets without a token may authorize later. */
      socketAuthorize(socket: UserSocket): Promise<Verified | undefined> {
        return authenticate(
          socket,
          (token) => this.verify(token),
          (error) => refusedAnswer(error, this),
        );
      },

      /** The only place that binds a socket to its user. A fresh token may belong to another session. */
      bindUser(socket: UserSocket, user: Verified) {
        if (!socket.connected) return;
        socket.data.user = user;
        socket.data.endsAt = user.endsAt;
        void socket.join(roomOf(user.id));
        // The session may have been revoked after the token was verified.
        if (this.revokedSessions.has(user.sid)) disconnect(socket);
      },

      /** Emits to a user's sockets on this node, and asks each for a receipt. */
      emitNotification(userId: string, notification: Notification, past: NoticePast) {
        const isShown = () => shown.call(selfOf(this), [keyOf(userId, notification.id)]);
        for (const socket of socketsOf(this.io, userId))
          this.connections.emitNotice(socket, notification, past, isShown);
      },

      sendInbox(socket: UserSocket) {
        const send = async () => {
          const listed = await inbox.call(selfOf(this), socket.data.user!.id);
          const areShown = () => shown.call(selfOf(this), listed.unshown);
          this.connections.emitInbox(socket, listed, areShown);
        };
        const onFailure = (error: unknown) => {
          if (codeOf(error) === "INTERNAL") this.logger.error(error);
        };
        void sendInboxWithRetry(socket, send, onFailure);
      },

      /** A socket has joined the namespace. */
      onConnection(socket: UserSocket) {
        socket.on("disconnect", closeConnection);
        // One socket per connection: the limits count connections.
        if (!this.connections.attach(socket)) return socket.conn.close();
        const { user } = socket.data;
        const isSurplus = this.connections.isOverLimit(socket.conn);
        if (isSurplus || (user && isRoomFull(this.io, user.id, socket)))
          return disconnect(socket, "TOO_MANY_REQUESTS");
        socket.onAny(receiveUnknown);
        socket.data.endsAt = uptime() + authorizeWithin * 1000;
        if (!user) return;
        this.bindUser(socket, user);
        this.sendInbox(socket);
      },

      async authorize(
        socket: UserSocket,
        { token }: Payload<"authorize">,
      ): Promise<Answer<"authorize">> {
        this.connections.countAuthorization(socket.conn);
        const user = await this.verify(token);
        const before = socket.data.user;
        if (before && before.id !== user.id)
          throw refusal("FORBIDDEN", "This socket belongs to another user.");
        // In both cases, the acknowledgement is sent first.
        if (isRoomFull(this.io, user.id, socket)) {
          setImmediate(() => disconnect(socket, "TOO_MANY_REQUESTS"));
          throw refusal("TOO_MANY_REQUESTS", "This user has too many sockets.");
        }
        this.bindUser(socket, user);
        setImmediate(() => this.sendInbox(socket));
        return { ok: true, userId: user.id };
      },

      async answer(
        socket: UserSocket,
        event: ClientEvent,
        payload: unknown,
      ): Promise<Answer<ClientEvent>> {
        switch (event) {
          case "authorize":
            return this.authorize(socket, parsePayload(event, payload));
          case "heartbeat":
            parsePayload(event, payload);
            userOf(socket);
            return { ok: true };
          case "read": {
            const checked = parsePayload(event, payload);
            return read.call(selfOf(this), socket, checked, userOf(socket).id);
          }
        }
      },

      /** Every event of a client arrives here: count, check, answer. */
      async receive(socket: UserSocket, event: ClientEvent | undefined, args: unknown[]) {
        const { payload, ack } = splitArgs(args);
        try {
          await this.connections.countEvent(socket.conn, socket.data.user?.id);
          if (!event) throw refusal("NOT_FOUND", "There is no such event.");
          if (socket.connected) ack(await this.answer(socket, event, payload));
        } catch (error) {
          ack(refusedAnswer(error, this));
        }
      },
    },

    created() {
      const { io } = this.settings as { io: { options: Partial<ServerOptions> } };
      io.options.allowRequest = (request, decide) =>
        void this.isAllowed(request).then((isAllowed) => decide(null, isAllowed));
      this.revokedSessions.onAdd.push((session) => disconnectSession(this.io, session));
    },

    async started() {
      this.io.engine.on("connection", (connection: Connection) => {
        this.connections.add(connection);
        dropRequest(connection);
      });
      limitFrames(this.io, this.server);
      this.io.engine.use(dropRequestOfResponse);
      this.io.on("connection", (socket) => this.onConnection(socket as UserSocket));
      measureSockets(this.io, meterOf(this.broker));
      this.expireTimer = setInterval(() => disconnectExpired(this.io), expireInterval).unref();
      // Last, so that the first client finds everything ready.
      await listen(this.server, env.socketPort, env.host, "SOCKET_PORT");
    },

    /** moleculer-io closes the transports next. Stock clients reconnect, to another node or the next process. */
    stopped() {
      clearInterval(this.expireTimer);
      terminateAfterStop(this.io, this.server);
    },
  });
}
