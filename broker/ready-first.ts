/**
 * Balancing by readiness. A node announces in its metadata which of its services cannot serve calls now, for
 * example because they have lost their database. Other nodes call those services elsewhere, as long as a ready
 * node exists (docs/decisions/017).
 */
import { Strategies, type BrokerOptions } from "moleculer";

/** The part of a node's metadata that says which of its services are not ready. */
export interface ReadinessMetadata {
  unready?: readonly string[];
}

/** The endpoints that Moleculer passes to a strategy. */
type Endpoint = Parameters<Strategies.RoundRobin["select"]>[0][number];
/** The part of them that its types do not declare. */
interface OfService {
  service: { name: string };
}

/** Whether the node of an endpoint says that its service is ready. */
export function isReady(endpoint: Endpoint): boolean {
  const { unready } = (endpoint.node.metadata ?? {}) as ReadinessMetadata;
  return !unready?.includes((endpoint as unknown as OfService).service.name);
}

/**
 * Round robin among the endpoints whose service is ready; this node's own endpoint comes first. If none is ready,
 * among all: the call then fails with the cause, and finds out when it is gone.
 */
export class ReadyFirst extends Strategies.RoundRobin {
  override select(list: Endpoint[]): Endpoint {
    const ready = list.filter(isReady);
    const candidates = ready.length > 0 ? ready : list;
    return candidates.find(({ local }) => local) ?? super.select(candidates);
  }
}

/** Moleculer would prefer its own endpoint before the strategy is asked. */
export const readyFirst = {
  strategy: ReadyFirst,
  preferLocal: false,
} satisfies BrokerOptions["registry"];
