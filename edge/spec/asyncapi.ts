import type { TSchema } from "typebox";
import {
  authorizeWithin,
  clientEvents,
  inboxSize,
  pingInterval,
  pingTimeout,
  Refused,
  serverEvents,
} from "../../contracts/socket.ts";

type ClientEvent = keyof typeof clientEvents;
type ServerEvent = keyof typeof serverEvents;

/** The description of each event. An event without one does not compile. */
const clientDescriptions: Record<ClientEvent, string> = {
  authorize:
    "Authenticates the socket when the handshake did not. Send it again with a fresh token of the same user before the old one expires; otherwise the server closes the socket.",
  read: "Marks notices as read: the given ids, all, or all that were stored no later than `until`. The user's other sockets receive `read`.",
  heartbeat:
    "Is acknowledged at once. Send it when the user or the network is back: without an acknowledgement within a few seconds the connection is dead, and a new one is needed.",
};
const serverDescriptions: Record<ServerEvent, string> = {
  inbox: `Sent after every authorization: the number of unread notices, and the newest ${inboxSize} of them. The rest is at \`GET /notifications?unread=true&cursor=\`. Acknowledge it as you do a \`notification\`.`,
  notification:
    "Sent to every socket of the user when a notice is stored. It may arrive twice: show each `id` once. Acknowledge it, without arguments, when the user was shown it: that is the receipt, which sets the notice's `shownAt` and is optional.",
  read: "Another socket of the user marked notices as read: which ones, and how many are unread.",
  closing: "Sent before the server closes the socket for good, with the code of the reason.",
};

const received = Object.entries(clientEvents) as [
  ClientEvent,
  { payload: TSchema; ack: TSchema },
][];
const sent = Object.entries(serverEvents) as [ServerEvent, TSchema][];

/**
 * The sockets as an AsyncAPI 3.0 document, generated from the contract's schemas. It describes the server,
 * so the server "receives" what a client may send.
 */
export function asyncapi(): object {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Souk",
      version: "1",
      description:
        "The live inbox of a marketplace. The server emits every stored notice to all sockets of its user. The stored inbox is authoritative: a client that was offline finds everything in its next `inbox`.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: { sockets: server },
    channels: { events: channel() },
    operations: operations(),
    components: { securitySchemes: { accessToken } },
  };
}

const channel = () => ({
  address: "/",
  title: "The user's events",
  description:
    "Socket.IO's namespace `/`. Only the server puts a socket into the room of its user; no event names a room or another user.",
  messages: Object.fromEntries([
    ...received.flatMap(([name, { payload, ack }]) => [
      [`client.${name}`, message(name, payload, clientDescriptions[name])],
      [`client.${name}.ack`, message(`${name}: done`, ack, "The argument of the acknowledgement.")],
    ]),
    ...sent.map(([name, payload]) => [
      `server.${name}`,
      message(name, payload, serverDescriptions[name]),
    ]),
    ["refused", message("refused", Refused, "The argument of a failed acknowledgement.")],
  ]),
  bindings: { ws: { method: "GET", query: handshakeQuery, bindingVersion: "0.1.0" } },
});

const operations = () =>
  Object.fromEntries([
    ...received.map(([name]) => [
      `client.${name}`,
      operation("receive", `client.${name}`, clientDescriptions[name], [
        `client.${name}.ack`,
        "refused",
      ]),
    ]),
    ...sent.map(([name]) => [
      `server.${name}`,
      operation("send", `server.${name}`, serverDescriptions[name]),
    ]),
  ]);

const server = {
  host: "{host}",
  pathname: "/socket.io/",
  protocol: "ws",
  protocolVersion: "Socket.IO 5, Engine.IO 4",
  title: "Socket.IO 4, WebSocket only",
  description: `\`GET /config.json\` returns the address. A socket that does not authenticate within ${authorizeWithin} s is closed. Bad credentials in the handshake are answered with \`connect_error\` and \`data.code\`. A server that restarts closes the transport, and stock clients reconnect. The server pings every ${pingInterval / 1000} s; a side that misses a ping closes the connection after ${(pingInterval + pingTimeout) / 1000} s.`,
  variables: {
    host: { default: "localhost:3001", description: "The host and port of the sockets" },
  },
  security: [{ $ref: "#/components/securitySchemes/accessToken" }],
};

const handshakeQuery = {
  type: "object",
  required: ["EIO", "transport"],
  properties: { EIO: { const: "4" }, transport: { const: "websocket" } },
};

const accessToken = {
  type: "apiKey",
  in: "password",
  description:
    "The access token of a sign-in or refresh, as `auth: {token}` of Socket.IO's handshake or in the first event, `authorize`.",
};

const message = (name: string, payload: TSchema, description: string) => ({
  name,
  title: name,
  summary: description,
  payload,
});

const operation = (
  action: "send" | "receive",
  name: string,
  summary: string,
  acks: string[] = [],
) => ({
  action,
  channel: { $ref: "#/channels/events" },
  summary,
  messages: [messageRef(name)],
  ...(acks.length > 0 && {
    reply: { channel: { $ref: "#/channels/events" }, messages: acks.map(messageRef) },
  }),
});

const messageRef = (name: string) => ({ $ref: `#/channels/events/messages/${name}` });
