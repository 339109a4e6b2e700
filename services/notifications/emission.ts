import type { Static } from "typebox";
import { define, mixinOf } from "../../broker/define.ts";
import { inTraceOf } from "../../broker/tracing/carry.ts";
import type { EventName, Events } from "../../contracts/actions.ts";
import type { Notification } from "../../contracts/notifications.ts";
import type { NoticePast } from "../../edge/sockets/measure.ts";
import { roomOf, type SocketServer } from "../../edge/sockets/rooms.ts";
import type { Inbox, WasRead } from "./inbox.ts";
import { pastOf } from "./measure.ts";

/** What it needs of the service that it is a part of. */
interface Notifications {
  inbox: Inbox;
  io: SocketServer;
  emitNotification(userId: string, notification: Notification, past: NoticePast): void;
}

/** The receivers of this service's own events. */
const groups = ["notifications"];

/** A part of notifications: events to sockets, and to the other nodes of the service. */
export const emission = define({
  mixins: [mixinOf<Notifications>({})],

  methods: {
    /** Emits to the user's sockets on this node. */
    emit(userId: string, notification: Notification, traceparent?: string) {
      this.emitNotification(userId, notification, pastOf(this.inbox, notification, traceparent));
    },

    /** Emits to the user's sockets on this node, except the one that asked. */
    emitRead({ userId, read, unread, by }: WasRead) {
      const others = this.io.to(roomOf(userId)).except(by ?? []);
      others.emit("read", { ...read, unread });
    },

    /** To the other nodes of this service. A failure to deliver is made up for by reconciliation. */
    broadcast<E extends EventName>(name: E, payload: Static<Events[E]>, traceparent?: string) {
      // An event is also handled here, to no effect, which costs a fifth of storing a notice.
      const nodes = this.broker.registry.getActionEndpoints("notifications.notify")?.endpoints;
      if (nodes?.some(({ local }) => !local))
        void this.broker.broadcast(name, payload, { groups, ...inTraceOf(traceparent) });
    },
  },
});
