import type { ServiceBroker } from "moleculer";
import { beginRefusals, meterOf, type Meter } from "../../broker/metrics/meter.ts";
import { beginSpan, type OpenSpan } from "../../broker/tracing/trace.ts";
import type { SocketServer } from "./rooms.ts";

/** Shows the sockets of this node in its metrics. */
export function measureSockets({ sockets }: SocketServer, meter: Meter): void {
  beginRefusals("socket", meter);
  meter.collect(() => {
    let signedIn = 0;
    for (const { data } of sockets.sockets.values()) if (data.user) signedIn++;
    meter.set("souk_sockets", signedIn, { authorized: "yes" });
    meter.set("souk_sockets", sockets.sockets.size - signedIn, { authorized: "no" });
  });
}

/** What came before a notice is emitted: how long ago it was stored (ms), and in which trace. */
export interface NoticePast {
  storedAgoMs: number;
  traceparent: string | undefined;
}

/** The times of notices on their way to the devices, for metrics and traces. */
export class NoticeTimes {
  readonly #broker: ServiceBroker;
  readonly #meter: Meter;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
    this.#meter = meterOf(broker);
  }

  /** A notice is emitted to one socket. Returns what to call when the device has shown it: `isShown`, measured. */
  emitted({ storedAgoMs, traceparent }: NoticePast, isShown: () => void): () => void {
    const meter = this.#meter;
    const span = this.#beginSpan(traceparent);
    if (!meter.isOn && !span) return isShown;
    meter.observe("souk_stored_to_emitted_seconds", storedAgoMs / 1000);
    const emittedAt = performance.now();
    return () => {
      meter.observe("souk_emitted_to_shown_seconds", (performance.now() - emittedAt) / 1000);
      span?.end();
      isShown();
    };
  }

  /** The same for an inbox, whose notices are of these traces. */
  inboxEmitted(traces: string[], areShown: () => void): () => void {
    const spans = traces.map((traceparent) => this.#beginSpan(traceparent));
    if (spans.length === 0) return areShown;
    return () => {
      for (const span of spans) span?.end();
      areShown();
    };
  }

  /** From the event to its acknowledgement. One that a device does not acknowledge has no span. */
  #beginSpan(traceparent: string | undefined): OpenSpan | undefined {
    return beginSpan(this.#broker, "notice shown", "notifications", traceparent);
  }
}
