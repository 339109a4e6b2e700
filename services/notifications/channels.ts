import type { Static } from "typebox";
import { define, mixinOf } from "../../broker/define.ts";
import type { EventName, Events } from "../../contracts/actions.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import type { RevokedSessions } from "../../edge/revoked-sessions.ts";
import { rateLimits } from "../../edge/policy/limits.ts";
import { RateLimiter } from "../../edge/rate-limiter.ts";
import { furtherCollection } from "../../mixins/collection.ts";
import { outbox } from "../../mixins/outbox.ts";
import { AvailableChannels } from "./available-channels.ts";
import { EndedSubscriptions } from "./ended-subscriptions.ts";
import { dueTimes, escalation } from "./escalation.ts";
import type { Inbox } from "./inbox.ts";
import type { Receipts } from "./receipts.ts";
import { Recipients, recipients } from "./recipients.ts";

/** What it needs of the service that it is a part of. */
interface Notifications {
  inbox: Inbox;
  receipts: Receipts;
  revokedSessions: RevokedSessions;
  broadcast<E extends EventName>(name: E, payload: Static<Events[E]>): void;
}

/** A part of notifications: how users are reached without an open page (docs/decisions/031). */
export const channels = define({
  mixins: [
    mixinOf<Notifications>({}),
    outbox<NoticeDocument>(escalation),
    furtherCollection("recipientStore", recipients),
  ],

  state() {
    const settings = new Recipients(this.recipientStore);
    return {
      recipients: settings,
      ended: new EndedSubscriptions(settings, this.logger),
      available: new AvailableChannels(this.broker),
      tests: new RateLimiter(rateLimits.channelTestsByUser, "Too many test messages."),
    };
  },

  methods: {
    /** The outbox of a new notice: its messages by the channels that the user has. Undefined without any, which is usual. */
    async outboxOf(userId: string): Promise<NoticeDocument["outbox"]> {
      const due = dueTimes(await this.recipients.channelsOf(userId), this.recipientStore.now());
      return Object.keys(due).length > 0 ? this.enqueue(due) : undefined;
    },

    /** Whether the user has seen a notice that was just read from the store. */
    async wasSeen(notice: NoticeDocument): Promise<boolean> {
      return this.receipts.isWaiting(notice._id) || this.inbox.wasSeen(notice);
    },
  },

  events: {
    "notifications.recipientChanged"({ params }) {
      this.recipients.forget(params.userId);
    },
  },

  created() {
    this.recipients.onChange = (userId) =>
      this.broadcast("notifications.recipientChanged", { userId });
  },

  started() {
    const { inbox, revokedSessions } = this;
    inbox.outboxOf = (userId) => this.outboxOf(userId);
    inbox.onStored.push((notice) => {
      if (notice.outbox)
        this.relay.deliver(notice, (action, params) => this.broker.call(action, params));
    });
    // Also the sessions whose event was lost: they are read from users.
    revokedSessions.onAdd.push((session) => this.ended.add(session));
    this.ended.start();
  },

  stopped() {
    this.ended.stop();
  },
});
