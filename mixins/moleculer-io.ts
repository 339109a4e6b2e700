import moleculerIo, { type IOServiceSchema } from "moleculer-io";
import { define, mixinOf } from "../broker/define.ts";
import { authorizeWithin, pingInterval, pingTimeout } from "../contracts/socket.ts";
import { eventHandlers } from "../edge/sockets/events.ts";
import type { SocketServer } from "../edge/sockets/rooms.ts";
import type { UserSocket } from "../edge/sockets/user-socket.ts";
import type { Verified } from "../edge/token-verifier.ts";

interface MoleculerIo {
  io: SocketServer;
  socketJoinRooms: NonNullable<IOServiceSchema["methods"]["socketJoinRooms"]>;
}

/**
 * Without the default settings: Moleculer merges settings deeply, so the default event `call`, with which
 * clients call any action, would survive in every service.
 */
const { settings: _defaults, ...withoutDefaults } = moleculerIo;

/** moleculer-io, closed: clients reach only the events of the contract. Define `socketAuthorize`. */
export const closedIo = define({
  mixins: [mixinOf<MoleculerIo>(withoutDefaults)],

  settings: {
    $secureSettings: ["io"],
    io: {
      options: {
        transports: ["websocket"],
        // For 10,000 idle sockets a ping every 15 s costs 4 % of a core, and every 25 s, the default, 3 %. Events from the client at the
        // same intervals would cost half as much again. See docs/decisions/025-noticing-dead-connections.md.
        pingInterval,
        pingTimeout,
        maxHttpBufferSize: 16 * 1024,
        perMessageDeflate: false,
        httpCompression: false,
        serveClient: false,
        // For connections that never join the namespace.
        connectTimeout: authorizeWithin * 1000,
      },
      namespaces: { "/": { authorization: true, events: eventHandlers } },
    },
  },

  methods: {
    /** moleculer-io would save the user on the connection, which may have several sockets. */
    socketSaveUser(socket: UserSocket, user: Verified) {
      socket.data.user = user;
    },

    /** moleculer-io would copy the user of an action's context. No action may change a socket's user. */
    socketSaveMeta() {},
  },

  // With these, a caller inside the cluster could write into any room or call any action.
  actions: { call: false, broadcast: false, getClients: false },
});
