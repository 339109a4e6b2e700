import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import moleculerIo from "moleculer-io";
import type { ServiceSchema } from "moleculer";
import type { Server, Socket } from "socket.io";
import type { Static } from "typebox";
import { env } from "../broker/env.ts";
import { badData, codeOf, refusal } from "../broker/refusal.ts";
import { schema } from "../broker/provide.ts";
import { checker } from "../broker/validator.ts";
import { errors, type ErrorCode } from "../contracts/errors.ts";
import type { EndedSession } from "../contracts/users.ts";
import {
  authorizeWithin,
  clientEvents,
  type ClientToServer,
  type Refused,
  type ServerToClient,
} from "../contracts/socket.ts";
import { concurrencyLimits } from "../edge/policy/limits.ts";
import { isAllowedOrigin } from "../edge/policy/origins.ts";
import { listen } from "../edge/server.ts";
import { http } from "../edge/node-http.ts";
import { identity, type Identity } from "./identity.ts";
import type { Verified } from "../edge/token-verifier.ts";
import { limitConnections, scaled } from "../edge/rate-limiter.ts";
import { Connections } from "../edge/sockets/connections.ts";
import { Devices } from "../edge/sockets/devices.ts";
import { terminateAfterGrace, webSocketOf, type Connection } from "../edge/sockets/transport.ts";

/** One connected socket. All that we keep of it is in `data`, one small object: there may be very many. */
export type Device = Socket<ClientToServer, ServerToClient, object, State>;

interface State {
  /** Whose it is, once that is proven. */
  user?: Verified;
  /** When it ends (s since 1970): unless it authorizes in time, then when its token expires. */
  endsAt: number;
  isWelcomeDue?: boolean;
  isBeingWelcomed?: boolean;
}

type AllowRequest = (
  request: IncomingMessage,
  decide: (why: null, isAllowed: boolean) => void,
) => void;
type Event = keyof typeof clientEvents;
type Payload<E extends Event> = Static<(typeof clientEvents)[E]["payload"]>;
type Answer<E extends Event> = Static<(typeof clientEvents)[E]["ack"]>;
type Handler<Self, E extends Event> = (
  this: Self,
  device: Device,
  payload: Payload<E>,
  userId: string,
) => Promise<Answer<E>>;

/** What a service does on its clients' events; each comes from an authorized device, with a valid payload. */
export type DeviceHandlers<Self> = { [E in Exclude<Event, "authorize">]: Handler<Self, E> };

/** What the mixin adds to a service. */
export interface Sockets extends Identity {
  io: Server<ClientToServer, ServerToClient, object, State>;
  server: HttpServer;
  crowd: Connections;
  devices: Devices;
  sweeping: NodeJS.Timeout;
  /** Where the sockets are, once started. */
  address(): AddressInfo;
  pagePort(): number;
  /** Emits to the devices that the user has on this node, but not to the socket `except`. */
  push<E extends keyof ServerToClient>(
    userId: string,
    event: E,
    payload: Parameters<ServerToClient[E]>[0],
    except?: string,
  ): void;
  /** Called after every authorize, and again after a while when it fails; override it. */
  welcome(device: Device, userId: string): Promise<void>;
  connected(device: Device): void;
  disconnected(device: Device): void;
  hear(device: Device, packet: unknown[]): Promise<void>;
  isOneTooMany(device: Device, user: Verified): boolean;
  admit(device: Device, user: Verified): void;
  sweep(): void;
  keepWelcoming(device: Device): Promise<void>;
  dismiss(device: Device, code?: ErrorCode): void;
}

/** An HTTP request that is still incomplete after this is closed (ms). */
const requestTimeout = 15_000;
/** How long a stop waits for clients to agree to the end of their connection (ms): a frozen one never does. */
const farewell = 1_000;
/** How often those are ended whose time is over (ms). */
const sweepEvery = 1_000;

/**
 * moleculer-io without its settings and actions: those let every client call every action, and whoever can call its `broadcast`
 * write into any room. They are left out here, because settings are merged deeply and its `call` event would survive any of ours.
 */
const { settings: _open, actions: _openToo, ...closed } = moleculerIo as Partial<ServiceSchema>;

/** Socket.IO on a port of its own, for the users whom a token proves. */
export function sockets<Self extends Sockets>(handlers: DeviceHandlers<Self>): ServiceSchema {
  const answers: Record<string, Answering> = {
    authorize: answer("authorize", authorize),
    read: answer("read", forUsers(handlers.read)),
  };

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
        // Ours is made below: each event that moleculer-io listens to, and its count of sockets, takes memory for each socket.
        namespaces: {},
      },
    },

    methods: {
      address() {
        return this.server.address();
      },

      /** Where api serves the page: on this node it may have taken any free port. */
      pagePort() {
        const api = this.broker.getLocalService("api") as
          { address?(): AddressInfo | null } | undefined;
        return api?.address?.()?.port ?? env.port;
      },

      push(userId, event, payload, except) {
        for (const device of this.devices.of(userId))
          if (device.id !== except) device.emit(event, ...([payload] as never));
      },

      async welcome() {},

      connected(device: Device) {
        device.on("disconnect", () => this.disconnected(device));
        // One socket a connection, or the bounds on connections would bound nothing. Stock clients never ask for a second.
        if ((device.client as unknown as { sockets: Map<string, unknown> }).sockets.size > 1)
          return device.conn.close();
        this.crowd.attach(device);
        const { user } = device.data;
        if (this.crowd.isSurplus(device.conn) || (user && this.isOneTooMany(device, user)))
          return this.dismiss(device, "TOO_MANY_REQUESTS");
        // What comes in goes no further: no event has a listener.
        device.use((packet) => void this.hear(device, packet));
        if (!user)
          return void (device.data.endsAt = Math.ceil(Date.now() / 1000) + authorizeWithin);
        this.admit(device, user);
        void this.keepWelcoming(device);
      },

      /** A client can leave the namespace and keep the connection, which then nothing would ever close. */
      disconnected(device: Device) {
        const { user } = device.data;
        if (user) this.devices.leave(user.id, device);
        device.conn.close();
      },

      /** Whatever the contract does not name is answered here as well, if it wants an answer. */
      async hear(device: Device, [event, ...args]: unknown[]) {
        const { payload, ack } = split(args);
        try {
          await this.crowd.countEvent(device.conn, device.data.user?.id);
          if (typeof event !== "string" || !Object.hasOwn(answers, event))
            throw refusal("NOT_FOUND", "There is no such event");
          if (device.connected) ack(await answers[event]!.call(this as never, device, payload));
        } catch (error) {
          ack(refused(this, error));
        }
      },

      isOneTooMany(device: Device, { id }: Verified): boolean {
        const theirs = this.devices.of(id);
        return !theirs.has(device) && theirs.size >= scaled(concurrencyLimits.socketsByUser);
      },

      /** Nothing but this makes a device a user's. A fresh token may be of another session of the same user. */
      admit(device: Device, user: Verified) {
        if (!device.connected) return;
        device.data.user = user;
        device.data.endsAt = user.exp;
        this.devices.enter(user.id, device);
        // It may have ended between the check of the token and now.
        if (this.endedSessions.has(user.sid)) this.dismiss(device);
      },

      /** One look at all of them costs less than a timer for each. */
      sweep() {
        const now = Date.now() / 1000;
        for (const device of this.io.sockets.sockets.values())
          if (device.data.endsAt <= now) this.dismiss(device);
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
            await pause(
              Math.min(250 * 2 ** failures++, 10_000) * (0.5 + Math.random() / 2),
              undefined,
              { ref: false },
            );
          }
        }
        data.isBeingWelcomed = false;
      },

      /** For good: stock clients do not come back by themselves after this. */
      dismiss(device: Device, code: ErrorCode = "UNAUTHENTICATED") {
        device.emit("closing", { code });
        device.disconnect(true);
        // Also one that does not take even this.
        terminateAfterGrace(device.conn);
      },

      sessionEnded({ sid, userId }: EndedSession) {
        for (const device of [...this.devices.of(userId)])
          if (device.data.user!.sid === sid) this.dismiss(device);
      },
    },

    created() {
      this.server = http.createServer(
        { requestTimeout, connectionsCheckingInterval: 1_000 },
        (_request, response) => {
          response.writeHead(404).end();
        },
      );
      limitConnections(this.server);
      this.crowd = new Connections((device) => this.dismiss(device, "TOO_MANY_REQUESTS"));
      this.devices = new Devices();
      const { options } = (this.settings as { io: { options: { allowRequest?: AllowRequest } } })
        .io;
      options.allowRequest = (request, decide) => {
        const { origin, host } = request.headers;
        const isOurs = isAllowedOrigin(origin, host, env.corsOrigins, this.pagePort());
        void (isOurs ? this.crowd.admits(request) : Promise.resolve(false)).then((isAllowed) =>
          decide(null, isAllowed),
        );
      };
    },

    async started() {
      this.io.engine.on("connection", (connection: Connection) => {
        this.crowd.add(connection);
        // All is taken from it; it would be kept, with every header, for as long as the connection.
        (connection as { request: unknown }).request = null;
      });
      this.io.engine.use(forgetRequest);
      this.io.use((device, next) => handshake.call(this, device, next));
      this.io.on("connection", (device) => this.connected(device));
      this.sweeping = setInterval(() => this.sweep(), sweepEvery).unref();
      // Last: whoever comes in finds everything in place.
      await listen(this.server, env.socketPort, env.host, "SOCKET_PORT");
    },

    /** moleculer-io closes the transports next, without a word to the clients: so they come back by themselves, to another node or to the next process. */
    stopped() {
      clearInterval(this.sweeping);
      const { clients } = this.io.engine as unknown as { clients: Record<string, Connection> };
      const connections = Object.values(clients);
      setTimeout(() => {
        for (const connection of connections) webSocketOf(connection).terminate();
        this.server.closeAllConnections();
      }, farewell).unref();
    },
  });
}

/** A token in the handshake is checked before the namespace lets the socket in. */
function handshake(this: Sockets, device: Device, next: (error?: Error) => void): void {
  const { token } = device.handshake.auth as { token?: unknown };
  // It would be kept for as long as the socket.
  Object.assign(device, { handshake: nothing });
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

const nothing = Object.freeze({});

/** What Engine.IO answers an upgrade with stays at its connection, and would keep the request there. */
function forgetRequest(_request: IncomingMessage, response: object, next: () => void): void {
  if (!(response instanceof http.ServerResponse)) Object.assign(response, { req: null });
  next();
}

type Answering = (this: never, device: Device, payload: unknown) => Promise<unknown>;

/** Answers one event, when its payload is valid. */
function answer<E extends Event>(
  event: E,
  handle: (this: never, device: Device, payload: Payload<E>) => Promise<Answer<E>>,
): Answering {
  const check = checker(clientEvents[event].payload);
  return async function (this: never, device, payload) {
    const problems = check(payload);
    if (problems.length > 0) throw badData(problems);
    return handle.call(this, device, payload as Payload<E>);
  };
}

async function authorize(
  this: Sockets,
  device: Device,
  { token }: Payload<"authorize">,
): Promise<Answer<"authorize">> {
  this.crowd.authorizes(device.conn);
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
