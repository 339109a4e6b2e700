import { beginRefusals, type Meter } from "../../broker/metrics/meter.ts";
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

/** The times of notices on their way to the devices. */
export class NoticeTimes {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** A notice is emitted to one socket. Returns what to call when the device has shown it: `isShown`, measured. */
  emitted(storedAgoMs: number, isShown: () => void): () => void {
    const meter = this.#meter;
    if (!meter.isOn) return isShown;
    meter.observe("souk_stored_to_emitted_seconds", storedAgoMs / 1000);
    const emittedAt = performance.now();
    return () => {
      meter.observe("souk_emitted_to_shown_seconds", (performance.now() - emittedAt) / 1000);
      isShown();
    };
  }
}
