import type { Meter } from "../../broker/metrics/meter.ts";
import type { DeliveryDocument } from "../../domain/delivery.ts";
import type { Store } from "../../store/store.ts";
import type { Channel, Context } from "./channel.ts";
import type { Recipients } from "./recipient.ts";

export type Channels = Record<DeliveryDocument["kind"], Channel>;

/** What the parts of the service share. */
export interface Parts {
  store: Store<DeliveryDocument>;
  channels: Channels;
  recipients: Recipients;
  context: Omit<Context, "recipient">;
  meter: Meter;
}
