import type { TSchema } from "typebox";
import {
  authorizeWithin,
  clientEvents,
  inboxSize,
  Refused,
  serverEvents,
} from "../../contracts/socket.ts";

type ClientEvent = keyof typeof clientEvents;
type ServerEvent = keyof typeof serverEvents;

/** When each event is sent, and what for. An event without a line here does not compile. */
const sentByClient: Record<ClientEvent, string> = {
  authorize:
    "Says whose the socket is, if the handshake did not; and again, with a fresh token of the same user, before the old one expires: otherwise the socket is closed then.",
  read: "Marks notices as read: these, all, or all that were stored no later than `until`. The user's other devices hear of it.",
};
const sentByServer: Record<ServerEvent, string> = {
  inbox: `After every authorize: how many are unread, and the newest ${inboxSize} of them. The rest by \`GET /notifications?unread=true&cursor=\`.`,
  notification:
    "At once when a notice is stored, to every device of the user. May come twice: show each `id` once. An acknowledgement is optional.",
  read: "Another device of the user read something: what, and how many are left.",
  closing: "Right before the server closes the socket for good, with the code that says why.",
};

/**
 * The sockets as AsyncAPI 3.0: made of the same schemas that the sockets are made of. It describes the server, so it is the server that
 * "receives" what a client may send.
 */
export function asyncapi(): object {
  const received = Object.entries(clientEvents) as [
    ClientEvent,
    { payload: TSchema; ack: TSchema },
  ][];
  const sent = Object.entries(serverEvents) as [ServerEvent, TSchema][];
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Souk",
      version: "1",
      description:
        "The live inbox of a marketplace where every item is sold once, and every seller hears of the sale. The stored inbox is the truth, a push only speeds it up: whoever was away finds everything in the next `inbox`.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: { sockets: server },
    channels: {
      events: {
        address: "/",
        title: "The user's events",
        description:
          "Socket.IO's namespace `/`. The server alone puts a socket into the room of its user; no event names a room or another user.",
        messages: Object.fromEntries([
          ...received.flatMap(([name, { payload, ack }]) => [
            [`client.${name}`, message(name, payload, sentByClient[name])],
            [
              `client.${name}.ack`,
              message(`${name}: done`, ack, "The one argument of the acknowledgement."),
            ],
          ]),
          ...sent.map(([name, payload]) => [
            `server.${name}`,
            message(name, payload, sentByServer[name]),
          ]),
          ["refused", message("refused", Refused, "The one argument of a failed acknowledgement.")],
        ]),
        bindings: { ws: { method: "GET", query: handshakeQuery, bindingVersion: "0.1.0" } },
      },
    },
    operations: Object.fromEntries([
      ...received.map(([name]) => [
        `client.${name}`,
        operation("receive", `client.${name}`, sentByClient[name], [
          `client.${name}.ack`,
          "refused",
        ]),
      ]),
      ...sent.map(([name]) => [
        `server.${name}`,
        operation("send", `server.${name}`, sentByServer[name]),
      ]),
    ]),
    components: { securitySchemes: { accessToken } },
  };
}

const server = {
  host: "{host}",
  pathname: "/socket.io/",
  protocol: "ws",
  protocolVersion: "Socket.IO 5, Engine.IO 4",
  title: "Socket.IO 4, by WebSocket alone",
  description: `\`GET /config.json\` says where. A socket that has not proven within ${authorizeWithin} s who it is, is closed. Bad credentials in the handshake are answered by \`connect_error\` with \`data.code\`. A server that restarts closes the transport, and stock clients come back by themselves.`,
  variables: { host: { default: "localhost:3001", description: "Host and port of the sockets" } },
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
    "The access token of a sign-in or refresh, as `auth: {token}` of Socket.IO's handshake or by the first event, `authorize`.",
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
