import { define } from "../../broker/define.ts";
import { furtherCollection } from "../../mixins/collection.ts";
import { Recipients, recipients } from "./recipients.ts";

/** A part of notifications: how users are reached without an open page. */
export const channels = define({
  mixins: [furtherCollection("recipientStore", recipients)],

  state() {
    return { recipients: new Recipients(this.recipientStore) };
  },

  events: {
    "notifications.recipientChanged"({ params }) {
      this.recipients.forget(params.userId);
    },
  },
});
