/** The api service in this process, in front of stand-ins that may be slow, broken or missing. */
import { connect, type AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Loggers, ServiceBroker, type BrokerOptions, type Context } from "moleculer";
import { newKeyPair } from "../../broker/keys.ts";
import type { ActionName } from "../../contracts/actions.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { tokenOf } from "./tokens.ts";

/** The default result of a stand-in's action: its input. */
export interface Echo {
  action: string;
  params: Record<string, unknown>;
  user: unknown;
  requestId: string;
}

type Handler = (ctx: Context<Record<string, unknown>, { user?: unknown }>) => unknown;

export interface Options {
  /** Replace the echoing handlers. */
  handlers?: Partial<Record<ActionName, Handler>>;
  /** The services that exist; by default all. */
  present?: string[];
  settings?: object;
  broker?: BrokerOptions;
}

export interface Gateway {
  url: string;
  port: number;
  broker: ServiceBroker;
  /** Log lines of level warn and above. */
  logged: string[];
  call(method: string, path: string, init?: RequestInit): Promise<Answered>;
  token(userId: string, claims?: Parameters<typeof tokenOf>[2]): Promise<string>;
  stop(): Promise<void>;
}

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the test checks its shape
  body: any;
}

const folder = temporaryFolder();
process.once("exit", () => folder.remove());
Object.assign(process.env, {
  DATA_DIR: folder.path,
  PORT: "0",
  SOCKET_PORT: "0",
  LOG_LEVEL: "error",
  CORS_ORIGINS: "https://shop.example",
});
const { env } = await import("../../broker/env.ts");
const { SchemaValidator } = await import("../../broker/validator.ts");
const { actions, services } = await import("../../contracts/actions.ts");
const { routes } = await import("../../contracts/routes.ts");
const { default: api } = await import("../../services/api.service.ts");

const echo: Handler = ({ action, params, meta, requestID }) => ({
  action: action!.name,
  params,
  user: meta.user ?? null,
  requestId: requestID,
});

const published = new Set<string>(routes.map(({ action }) => action));

function standIn(name: string, handlers: Options["handlers"]) {
  const own = (Object.keys(actions) as ActionName[]).filter((action) =>
    action.startsWith(`${name}.`),
  );
  const entry = (action: ActionName) => ({
    params: actions[action].params,
    visibility: published.has(action) ? "published" : "public",
    handler: handlers?.[action] ?? (action === "users.ended" ? () => ({ sessions: [] }) : echo),
  });
  return {
    name,
    actions: Object.fromEntries(
      own.map((action) => [action.slice(name.length + 1), entry(action)]),
    ),
  };
}

class Listener extends Loggers.Base<object> {
  readonly lines: string[];
  constructor(lines: string[]) {
    super({});
    this.lines = lines;
  }
  override getLogHandler() {
    return (type: string, args: unknown[]) => {
      if (["warn", "error", "fatal"].includes(type))
        this.lines.push([type, ...args].map(String).join(" "));
    };
  }
}

export async function gateway({
  handlers,
  present = [...services],
  settings,
  broker: options,
}: Options = {}): Promise<Gateway> {
  const logged: string[] = [];
  const broker = new ServiceBroker({
    nodeID: randomUUID(),
    validator: new SchemaValidator({}),
    requestTimeout: 5000,
    tracking: { enabled: true, shutdownTimeout: 3000 },
    logger: new Listener(logged) as unknown as BrokerOptions["logger"],
    ...options,
  });
  for (const name of present) broker.createService(standIn(name, handlers) as never);
  const service = broker.createService({
    ...api,
    settings: {
      ...api.settings,
      // As in a cluster: the stand-ins work on many calls at once.
      readsPerNode: 100,
      pageFolder: join(folder.path, "not built"),
      ...settings,
    },
  } as never) as unknown as {
    address(): AddressInfo;
  };
  await broker.start();
  const { port } = service.address();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    broker,
    logged,
    async call(method, path, init = {}) {
      const response = await fetch(url + path, { method, ...init });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: text ? JSON.parse(text) : undefined,
      };
    },
    token: (userId, claims) => tokenOf(env.keys.private!, userId, claims),
    stop: () => broker.stop(),
  };
}

/** A token signed with the key of another server. */
export const foreignToken = (userId: string) => tokenOf(newKeyPair().private, userId);

type Piece = string | Buffer | { pause: number };

/** Writes these bytes piece by piece. Resolves with all received text when the connection is closed; `answered` with the first of it. */
export function raw(
  port: number,
  ...pieces: Piece[]
): Promise<string> & { answered: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  const answered = new Promise<string>((resolve) => {
    socket.on("data", (data) => resolve((received += data.toString("latin1"))));
    socket.on("close", () => resolve(received));
  });
  const closed = new Promise<string>((resolve, reject) => {
    socket.on("close", () => resolve(received));
    // Writing to a closed connection fails; the received text still counts.
    socket.on("error", (error) => (received ? undefined : reject(error)));
  });
  socket.on("connect", async () => {
    for (const piece of pieces) {
      if (socket.destroyed || socket.readableEnded) return;
      if (typeof piece === "object" && "pause" in piece) await pause(piece.pause);
      else socket.write(piece);
    }
  });
  return Object.assign(closed, { answered });
}
