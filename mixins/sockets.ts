import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import moleculerIo from "moleculer-io";
import type { ServiceSchema } from "moleculer";
import type { Server, Socket } from "socket.io";
import type { Static } from "typebox";
import { env } from "../broker/env.ts";
import { badData, codeOf, refusal } from "../broker/errors.ts";
import { schema } from "../broker/provide.ts";
import { checker } from "../broker/validator.ts";
import { errors, type ErrorCode } from "../contracts/errors.ts";
import { authorizeWithin, clientEvents, type ClientToServer, type Refused, type ServerToClient } from "../contracts/socket.ts";
import { atOnce } from "../domain/bounds.ts";
import { isAllowedOrigin } from "../domain/origins.ts";
import { listen } from "./gateway/server.ts";
import { identity, type Identity } from "./identity.ts";
import type { Verified } from "./identity/verifier.ts";
import { boundConnections, scaled } from "./limiter.ts";
import { Crowd } from "./sockets/crowd.ts";
import { endSoon } from "./sockets/wire.ts";

/** One connected socket. All that we keep of it is in `data`, one small object: there may be very many. */
export type Device = Socket<ClientToServer, ServerToClient, object, State>;

interface State {
  /** Whose it is, once that is proven. */
  user?: Verified;
  /** Ends it: when it has not authorized in time, then when its token expires. */
  end?: NodeJS.Timeout;
  isWelcomeDue?: boolean;
  isBeingWelcomed?: boolean;
}

type AllowRequest = (request: IncomingMessage, decide: (why: null, isAllowed: boolean) => void) => void;
type Event = keyof typeof clientEvents;
type Payload<E extends Event> = Static<(typeof clientEvents)[E]["payload"]>;
type Answer<E extends Event> = Static<(typeof clientEvents)[E]["ack"]>;
type Handler<Self, E extends Event> = (this: Self, device: Device, payload: Payload<E>, userId: string) => Promise<Answer<E>>;

/** What a service does on its clients' events; each comes from an authorized device, with a valid payload. */
export type DeviceHandlers<Self> = { [E in Exclude<Event, "authorize">]: Handler<Self, E> };

/** What the mixin adds to a service. */
export interface Sockets extends Identity {
  io: Server<ClientToServer, ServerToClient, object, State>;
  server: HttpServer;
  crowd: Crowd;
  /** Where the sockets are, once started. */
  address(): AddressInfo;
  pagePort(): number;
  /** Emits to the devices that the user has on this node, but not to the socket `except`. */
  push<E extends keyof ServerToClient>(userId: string, event: E, payload: Parameters<ServerToClient[E]>[0], except?: string): void;
  /** Called after every authorize, and again after a while when it fails; override it. */
  welcome(device: Device, userId: string): Promise<void>;
  connected(device: Device): void;
  isOneTooMany(device: Device, user: Verified): boolean;
  admit(device: Device, user: Verified): void;
  expire(device: Device, user: Verified): void;
  keepWelcoming(device: Device): Promise<void>;
  dismiss(device: Device, code?: ErrorCode): void;
}

const userRoom = (userId: string) => `user:${userId}`;
const sessionRoom = (sid: string) => `session:${sid}`;

/** An HTTP request that is still incomplete after this is closed (ms). */
const requestTimeout = 15_000;
/** How long a stop waits for clients to agree to the end of their connection (ms): a frozen one never does. */
const farewell = 1_000;
/** Node's timers hold no more (ms). */
const longestTimer = 2 ** 31 - 1;

/**
 * moleculer-io without its settings and actions: those let every client call every action, and whoever can call its `broadcast`
 * write into any room. They are left out here, because settings are merged deeply and its `call` event would survive any of ours.
 */
const { settings: _open, actions: _openToo, ...closed } = moleculerIo as Partial<ServiceSchema>;

/** Socket.IO on a port of its own, for the users whom a token proves. */
export function sockets<Self extends Sockets>(handlers: DeviceHandlers<Self>): ServiceSchema {
  return schema<Sockets>({
    name: "sockets",

    mixins: [identity, closed],

    settings: {
      $secureSettings: ["io"],
      io: {
        options: {
          transports: ["websocket"],
          maxHttpBufferSize: 16 * 1024,
          perMessageDeflate: false,
          httpCompression: false,
          serveClient: false,
          // Also for a connection that never asks for the namespace.
          connectTimeout: authorizeWithin * 1000,
        },
        namespaces: {
          "/": {
            middlewares: [handshake],
            events: {
              authorize: answer("authorize", authorize),
              read: answer("read", forUsers(handlers.read)),
            },
          },
        },
      },
    },

    methods: {
      address() {
        return this.server.address();
      },

      /** Where api serves the page: on this node it may have taken any free port. */
      pagePort() {
        const api = this.broker.getLocalService("api") as { address?(): AddressInfo | null } | undefined;
        return api?.address?.()?.port ?? env.port;
      },

      push(userId, event, payload, except = "") {
        const room = userRoom(userId);
        // Encoding a packet for nobody is what most pushes on most nodes would be.
        if (this.io.sockets.adapter.rooms.has(room))
          this.io.local
            .to(room)
            .except(except)
            .emit(event, ...([payload] as never));
      },

      async welcome() {},

      connected(device: Device) {
        device.on("disconnect", ended);
        // One socket a connection, or the bounds on connections would bound nothing. Stock clients never ask for a second.
        if ((device.client as unknown as { sockets: Map<string, unknown> }).sockets.size > 1) return device.conn.close();
        this.crowd.onFlood(device.conn, () => this.dismiss(device, "TOO_MANY_REQUESTS"));
        const { user } = device.data;
        if (this.crowd.isSurplus(device.conn) || (user && this.isOneTooMany(device, user)))
          return this.dismiss(device, "TOO_MANY_REQUESTS");
        device.use((packet, next) => void this.crowd.hear(device.conn, device.data.user?.id).then(() => next(), whyNot(this, packet)));
        device.use(knownEventsOnly);
        if (!user) return void (device.data.end = setTimeout(() => this.dismiss(device), authorizeWithin * 1000).unref());
        this.admit(device, user);
        void this.keepWelcoming(device);
      },

      isOneTooMany(device: Device, { id }: Verified): boolean {
        const room = this.io.sockets.adapter.rooms.get(userRoom(id));
        return room !== undefined && !room.has(device.id) && room.size >= scaled(atOnce.socketsByUser);
      },

      /** Nobody but this joins rooms. A fresh token may be of another session of the same user. */
      admit(device: Device, user: Verified) {
        if (!device.connected) return;
        const before = device.data.user;
        if (before && before.sid !== user.sid) device.leave(sessionRoom(before.sid));
        device.data.user = user;
        device.join([userRoom(user.id), sessionRoom(user.sid)]);
        // It may have ended between the check of the token and the room.
        if (this.endedSessions.has(user.sid)) return this.dismiss(device);
        this.expire(device, user);
      },

      expire(device: Device, user: Verified) {
        const left = user.exp * 1000 - Date.now();
        clearTimeout(device.data.end);
        const next = () => (left > longestTimer ? this.expire(device, user) : this.dismiss(device));
        device.data.end = setTimeout(next, Math.min(left, longestTimer)).unref();
      },

      /** One at a time for a device: those that authorize meanwhile share the next. What it needs may be away for as long as the device stays. */
      async keepWelcoming(device: Device) {
        const { data } = device;
        data.isWelcomeDue = true;
        if (data.isBeingWelcomed) return;
        data.isBeingWelcomed = true;
        for (let failures = 0; data.isWelcomeDue && device.connected;) {
          data.isWelcomeDue = false;
          try {
            await this.welcome(device, data.user!.id);
          } catch (error) {
            data.isWelcomeDue = true;
            if (codeOf(error) === "INTERNAL") this.logger.error(error);
            // Spread, because all that a node holds wait at once.
            await pause(Math.min(250 * 2 ** failures++, 10_000) * (0.5 + Math.random() / 2), undefined, { ref: false });
          }
        }
        data.isBeingWelcomed = false;
      },

      /** For good: stock clients do not come back by themselves after this. */
      dismiss(device: Device, code: ErrorCode = "UNAUTHENTICATED") {
        device.emit("closing", { code });
        device.disconnect(true);
        // Also one that does not take even this.
        endSoon(device.conn);
      },

      sessionEnded(sid: string) {
        if (!this.io) return; // not started yet: nobody is connected
        const { adapter, sockets } = this.io.sockets;
        for (const socketId of [...(adapter.rooms.get(sessionRoom(sid)) ?? [])]) this.dismiss(sockets.get(socketId)!);
      },
    },

    created() {
      this.server = createServer({ requestTimeout, connectionsCheckingInterval: 1_000 }, (_request, response) => {
        response.writeHead(404).end();
      });
      boundConnections(this.server);
      this.crowd = new Crowd();
      const { options } = (this.settings as { io: { options: { allowRequest?: AllowRequest } } }).io;
      options.allowRequest = (request, decide) => {
        const { origin, host } = request.headers;
        const isOurs = isAllowedOrigin(origin, host, env.corsOrigins, this.pagePort());
        void (isOurs ? this.crowd.admits(request) : Promise.resolve(false)).then((isAllowed) => decide(null, isAllowed));
      };
    },

    async started() {
      this.io.engine.on("connection", (connection: Device["conn"]) => this.crowd.enter(connection));
      this.io.on("connection", (device) => this.connected(device));
      // Last: whoever comes in finds everything in place.
      await listen(this.server, env.socketPort, env.host, "SOCKET_PORT");
    },

    /** moleculer-io closes the transports next, without a word to the clients: so they come back by themselves, to another node or to the next process. */
    stopped() {
      const { clients } = this.io.engine as unknown as { clients: Record<string, { request: { socket: NetSocket } }> };
      const connections = Object.values(clients);
      setTimeout(() => {
        for (const { request } of connections) request.socket.destroy();
        this.server.closeAllConnections();
      }, farewell).unref();
    },
  });
}

/** A token in the handshake is checked before the namespace lets the socket in. */
function handshake(this: Sockets, device: Device, next: (error?: Error) => void): void {
  const { token } = device.handshake.auth as { token?: unknown };
  device.handshake.auth = {}; // kept for as long as the socket otherwise
  if (token === undefined || token === null) return next();
  this.verify(token as string).then(
    (user) => {
      device.data.user = user;
      next();
    },
    (error: unknown) => {
      const { code, detail } = refused(this, error);
      next(Object.assign(new Error(detail), { data: { code } }));
      // It is of no use any more, and must not try one token after the other.
      setImmediate(() => device.conn.close());
    },
  );
}

/** Answers what was not let through, if it wants an answer. */
const whyNot =
  (service: Sockets, [, ...args]: unknown[]) =>
  (error: unknown) =>
    split(args).ack(refused(service, error));

/** Whatever the contract does not name is answered here, if it wants an answer. */
function knownEventsOnly([event, ...args]: unknown[], next: () => void): void {
  if (typeof event === "string" && Object.hasOwn(clientEvents, event)) return next();
  split(args).ack({ ok: false, code: "NOT_FOUND", detail: "There is no such event" });
}

/** The listener for one event: valid payload in, one acknowledgement out. */
function answer<E extends Event>(event: E, handle: (this: never, device: Device, payload: Payload<E>) => Promise<Answer<E>>) {
  const check = checker(clientEvents[event].payload);
  return async function (this: Device & { $service: Sockets }, ...args: unknown[]): Promise<void> {
    const { payload, ack } = split(args);
    try {
      const problems = check(payload);
      if (problems.length > 0) throw badData(problems);
      ack(await handle.call(this.$service as never, this, payload as Payload<E>));
    } catch (error) {
      ack(refused(this.$service, error));
    }
  };
}

async function authorize(this: Sockets, device: Device, { token }: Payload<"authorize">): Promise<Answer<"authorize">> {
  await this.crowd.authorizes(device.conn);
  const user = await this.verify(token);
  const { user: before } = device.data;
  if (before && before.id !== user.id) throw refusal("FORBIDDEN", "This socket is another user's");
  if (this.isOneTooMany(device, user)) {
    // Its acknowledgement goes first.
    setImmediate(() => this.dismiss(device, "TOO_MANY_REQUESTS"));
    throw refusal("TOO_MANY_REQUESTS", "This user has too many sockets");
  }
  this.admit(device, user);
  // Its acknowledgement goes first.
  setImmediate(() => void this.keepWelcoming(device));
  return { ok: true, userId: user.id };
}

function forUsers<Self, E extends Event>(handle: Handler<Self, E>) {
  return async function (this: Self, device: Device, payload: Payload<E>): Promise<Answer<E>> {
    if (!device.data.user) throw refusal("UNAUTHENTICATED");
    return handle.call(this, device, payload, device.data.user.id);
  };
}

/** Socket.IO appends the acknowledgement function, if the client asked for one; a client cannot send a function. */
function split(args: unknown[]): { payload: unknown; ack: (answer: unknown) => void } {
  const last = args.at(-1);
  return typeof last === "function"
    ? { payload: args[0] === last ? undefined : args[0], ack: last as () => void }
    : { payload: args[0], ack() {} };
}

/** What a client may know of an error: of our own faults, nothing. */
function refused(service: Sockets, error: unknown): Refused {
  const code = codeOf(error);
  const { status, title } = errors[code];
  if (code === "INTERNAL") service.logger.error(error);
  return { ok: false, code, detail: status < 500 ? (error as Error).message : title };
}

/** A client can leave the namespace and keep the connection, which then nothing would ever close. */
function ended(this: Device): void {
  clearTimeout(this.data.end);
  this.conn.close();
}
