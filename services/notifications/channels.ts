import type { Static } from "typebox";
import { define, mixinOf } from "../../broker/define.ts";
import type { EventName, Events } from "../../contracts/actions.ts";
import { furtherCollection } from "../../mixins/collection.ts";
import { Recipients, recipients } from "./recipients.ts";

/** What it needs of the service that it is a part of. */
interface Notifications {
  broadcast<E extends EventName>(name: E, payload: Static<Events[E]>): void;
}

/** A part of notifications: how users are reached without an open page. */
export const channels = define({
  mixins: [mixinOf<Notifications>({}), furtherCollection("recipientStore", recipients)],

  state() {
    return { recipients: new Recipients(this.recipientStore) };
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
});
