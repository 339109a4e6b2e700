import type { Channel } from "./channel.ts";
import type { Recipients } from "./recipient.ts";
import { webhookChannel } from "./webhook.ts";
import type { Channels } from "./parts.ts";

const off: Channel = {
  ...{ isOn: false, concurrency: 1, isForPeople: true },
  targetsOf: () => [],
  send: () => Promise.resolve({ state: "refused", reason: "The channel is not configured." }),
};

/** The channels of this market. */
export const channelsOf = (recipients: Recipients): Channels => ({
  push: off,
  mail: off,
  // The cast: a channel gets only the targets that it returned.
  webhook: webhookChannel(recipients) as unknown as Channel,
});
