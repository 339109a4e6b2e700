import type { Service, ServiceBroker } from "moleculer";
import { brokerState } from "../broker/amqp/reachability.ts";
import { typedCall } from "../broker/context.ts";
import { codeOf } from "../broker/refusal.ts";
import { services as dataServices } from "../contracts/actions.ts";
import type { Liveness, Readiness, ServiceState } from "../contracts/health.ts";
import { clockSkews } from "./clock-skew.ts";
import type { Peers } from "./peers.ts";

/** Milliseconds in which a service must answer its health check. */
const checkTimeoutMs = 900;

type DataService = (typeof dataServices)[number];

/** Checks each service that owns data, on any node. `isShedding`: whether api sheds requests to the service now. */
export async function marketReadiness(
  broker: ServiceBroker,
  isShedding: (service: string) => boolean,
): Promise<Readiness> {
  const transport = brokerState(broker);
  const states = dataServices.map(async (name) => {
    // Services of this node need no transporter.
    if (transport !== "up" && !broker.getLocalService(name)) return [name, transport] as const;
    const state = await stateOf(broker, name);
    return [name, state === "unresponsive" && isShedding(name) ? "overloaded" : state] as const;
  });
  return toReadiness({ api: transport, ...Object.fromEntries(await Promise.all(states)) });
}

/** Checks the services of this node. */
export async function nodeReadiness(
  broker: ServiceBroker,
  hosted: readonly DataService[],
  peers: Peers,
): Promise<Readiness> {
  const transport = brokerState(broker);
  const reach = transport === "up" && (await peers.areLost(broker)) ? "isolated" : transport;
  const states = hosted.map(
    async (name) =>
      [name, reach === "up" ? await stateOf(broker, name, broker.nodeID) : reach] as const,
  );
  const readiness = toReadiness(Object.fromEntries(await Promise.all(states)));
  const clockSkewMs = clockSkews(broker, hosted);
  return { ...readiness, ...(Object.keys(clockSkewMs).length > 0 && { clockSkewMs }) };
}

const toReadiness = (services: Record<string, ServiceState>): Readiness => ({
  status: Object.values(services).every((state) => state === "up") ? "ready" : "not ready",
  services,
});

async function stateOf(
  broker: ServiceBroker,
  name: DataService,
  nodeID?: string,
): Promise<ServiceState> {
  try {
    const options = { timeout: checkTimeoutMs, retries: 0, ...(nodeID && { nodeID }) };
    await typedCall(broker)(`${name}.health`, {}, options);
    return "up";
  } catch (error) {
    // The service itself throws UNAVAILABLE; an unreachable service is an error of Moleculer, of another type.
    if ((error as { type?: string }).type === "UNAVAILABLE") return "database unreachable";
    return codeOf(error) === "TIMEOUT" ? "unresponsive" : "unreachable";
  }
}

/** Milliseconds for which the result of a check is reused. */
const reuseMs = 250;

/**
 * Runs one check at a time: callers that arrive during a check, or shortly after it, share its result. So the checks
 * cost the same however many ask.
 */
export function shared<T>(check: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  const forget = () => setTimeout(() => (running = undefined), reuseMs).unref();
  return () => (running ??= check().finally(forget));
}

/**
 * What only a restart of this process can repair. A database or RabbitMQ that is unreachable is none of it: the
 * process reconnects. An event loop that stands answers no check, which says it too.
 */
export function liveness(broker: ServiceBroker): Liveness {
  const causes = broker.started ? causesOf(broker) : [];
  return causes.length > 0 ? { status: "not live", causes } : { status: "live" };
}

type WithAdapters = Service & Partial<Record<"adapter" | "furtherAdapter", { fault?: string }>>;

function causesOf({ services, transit }: ServiceBroker): string[] {
  // The adapters are those of store/store.ts.
  const broken = (services as WithAdapters[]).flatMap(({ name, adapter, furtherAdapter }) => {
    const fault = adapter?.fault ?? furtherAdapter?.fault;
    return fault === undefined ? [] : [`The store of ${name} ${fault}.`];
  });
  // The cast: `stopped` is our transporter's. After it was stopped nothing connects again.
  const { stopped } = (transit?.tx ?? {}) as { stopped?: AbortController };
  return stopped?.signal.aborted ? ["The transporter has stopped.", ...broken] : broken;
}

export const statusOf = ({ status }: Readiness | Liveness) =>
  status === "ready" || status === "live" ? 200 : 503;
