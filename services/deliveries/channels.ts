import type { Channel } from "./channel.ts";
import { pushChannel, type Sender } from "./push.ts";
import type { Recipients } from "./recipient.ts";
import { webhookChannel } from "./webhook.ts";
import type { Channels } from "./parts.ts";

const off: Channel = {
  ...{ isOn: false, concurrency: 1, isForPeople: true },
  targetsOf: () => [],
  send: () => Promise.resolve({ state: "refused", reason: "The channel is not configured." }),
};

/** The channels of this market. */
export const channelsOf = (recipients: Recipients, push: Sender): Channels => ({
  // The casts: a channel gets only the targets that it returned.
  push: pushChannel(push, recipients) as unknown as Channel,
  mail: off,
  webhook: webhookChannel(recipients) as unknown as Channel,
});
