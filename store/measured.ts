import type { Service } from "moleculer";
import { meterOf } from "../broker/metrics/meter.ts";
import { codeOf } from "../broker/refusal.ts";
import { DuplicateKey, type Adapter, type Store } from "./store.ts";

type Owner = Pick<Service, "broker" | "name">;

const operations = [
  ...["insert", "one", "find", "count", "change", "changeMany", "remove", "ping"],
] as const;

/** The store with the duration and the failures of its operations in the node's metrics. Without metrics, the store itself. */
export function measured<Doc extends { _id: string }>(
  store: Store<Doc>,
  { broker, name: service }: Owner,
): Store<Doc> {
  const meter = meterOf(broker);
  if (!meter.isOn) return store;
  for (const kind of ["unavailable", "other"])
    meter.begin("souk_database_errors_total", { service, kind });
  let isAvailable = 1;
  meter.collect(() => meter.set("souk_database_available", isAvailable, { service }));
  const measure = (operation: string, run: (...args: unknown[]) => Promise<unknown>) => {
    const labels = { service, operation };
    return async (...args: unknown[]) => {
      const startedAt = performance.now();
      const succeed = () => {
        isAvailable = 1;
        const seconds = (performance.now() - startedAt) / 1000;
        meter.observe("souk_database_operation_seconds", seconds, labels);
      };
      try {
        const result = await run(...args);
        succeed();
        return result;
      } catch (error) {
        // A duplicate is an answer of the database.
        if (error instanceof DuplicateKey) succeed();
        else {
          const isOutage = codeOf(error) === "UNAVAILABLE";
          if (isOutage) isAvailable = 0;
          const kind = isOutage ? "unavailable" : "other";
          meter.count("souk_database_errors_total", { service, kind });
        }
        throw error;
      }
    };
  };
  const untyped = store as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const wrapped = operations.map((name) => [name, measure(name, untyped[name]!)]);
  // The cast: each operation keeps its type, which Object.fromEntries forgets.
  return { ...store, ...(Object.fromEntries(wrapped) as object) };
}

/** Shows the connections of a service's driver in the node's metrics. */
export function measureConnections(adapter: Adapter, { broker, name: service }: Owner): void {
  const meter = meterOf(broker);
  const read = meter.isOn ? adapter.connections?.() : undefined;
  if (!read) return;
  meter.collect(() => {
    for (const [state, count] of Object.entries(read()))
      meter.set("souk_database_connections", count, { service, state });
  });
}
