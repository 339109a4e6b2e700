import type { Channel } from "./channel.ts";
import { pushChannel, type Sender } from "./push.ts";
import { mailChannel, type MailSettings } from "./mail.ts";
import type { Recipients } from "./recipient.ts";
import { webhookChannel } from "./webhook.ts";
import type { Channels } from "./parts.ts";

/** The channels of this market. */
export const channelsOf = (
  recipients: Recipients,
  { push, mail }: { push: Sender; mail: MailSettings | undefined },
): Channels => ({
  // The casts: a channel gets only the targets that it returned.
  push: pushChannel(push, recipients) as unknown as Channel,
  mail: mailChannel(mail, recipients),
  webhook: webhookChannel(recipients) as unknown as Channel,
});
