/** Parts of Moleculer that it does not declare. Each cast here names what it relies on. */
import { Errors, type ServiceBroker, type Transit } from "moleculer";

interface StartingTransit {
  __connectResolve: ((value: null) => void) | null;
}
interface LocalNodeInfo {
  localNodeInfoInvalidated: boolean | "seq";
}

/** Lets the broker start without RabbitMQ. Transit then behaves as after a lost connection. */
export function finishStart(transit: Transit): void {
  const starting = transit as unknown as StartingTransit;
  if (!starting.__connectResolve) return;
  transit.connected = transit.isReady = true;
  starting.__connectResolve(null);
  starting.__connectResolve = null;
}

/** Other nodes see a new `joinedAt` and reject the calls that they sent over the last connection. */
export function markNewConnection(broker: ServiceBroker): void {
  broker.metadata.joinedAt = Date.now();
  (broker.registry as unknown as LocalNodeInfo).localNodeInfoInvalidated = "seq";
}

/**
 * Rejects each request that Moleculer removes. Moleculer removes a request that timed out but keeps tracking it,
 * so that a later stop would wait for it until the shutdown timeout.
 */
export function settleTimedOutRequests(transit: Transit): void {
  const remove = transit.removePendingRequest.bind(transit);
  const timeout = new Errors.RequestTimeoutError({ action: "", nodeID: "" });
  transit.removePendingRequest = (id) => {
    const request = transit.pendingRequests.get(id);
    remove(id);
    // In a microtask, so that an answer that is being handled wins.
    if (request) queueMicrotask(() => request.reject(timeout));
  };
}
