import type { ServiceBroker } from "moleculer";
import { errors } from "../../contracts/errors.ts";
import { metrics, type MetricName } from "./table.ts";

type Of<Type extends string> = {
  [Name in MetricName]: (typeof metrics)[Name]["type"] extends Type ? Name : never;
}[MetricName];
/** The labels of a metric: all of them, with texts. */
type Labels<Name extends MetricName> = Record<(typeof metrics)[Name]["labels"][number], string>;
/** Labels may be left out where there are none. */
type Rest<Name extends MetricName> = [(typeof metrics)[Name]["labels"][number]] extends [never]
  ? []
  : [labels: Labels<Name>];

/** Measures a node, by the names and labels of metrics/table.ts. */
export interface Meter {
  /** Whether this node exports metrics. Without it every method does nothing. */
  readonly isOn: boolean;
  count<Name extends Of<"counter">>(name: Name, ...labels: Rest<Name>): void;
  /** Shows a counter before its first event, so that the first one is an increase. */
  begin<Name extends Of<"counter">>(name: Name, ...labels: Rest<Name>): void;
  /** Adds a measurement to a histogram. Negative ones, of clocks that differ, count as 0. */
  observe<Name extends Of<"histogram">>(name: Name, seconds: number, ...labels: Rest<Name>): void;
  set<Name extends Of<"gauge" | "counter">>(name: Name, value: number, ...labels: Rest<Name>): void;
  /** Removes all values of a gauge: what it measures is not known now. */
  clear(name: Of<"gauge">): void;
  /** `read` is called before the metrics are read. A failure is ignored: set no stale value. */
  collect(read: () => void | Promise<void>): void;
  /** Calls what `collect` was given. Never rejects. */
  collectAll(): Promise<void>;
}

const nothing = () => {};
const off: Meter = {
  isOn: false,
  ...{ count: nothing, begin: nothing, observe: nothing, set: nothing, clear: nothing },
  collect: nothing,
  collectAll: async () => {},
};

const meters = new WeakMap<object, Meter>();

/** The meter of a broker, over Moleculer's registry of metrics. */
export function meterOf(broker: Pick<ServiceBroker, "metrics">): Meter {
  const known = meters.get(broker);
  if (known) return known;
  // Tests give a sender that is no broker.
  const meter = (broker.metrics as ServiceBroker["metrics"] | undefined)?.isEnabled()
    ? meterOn(broker.metrics)
    : off;
  meters.set(broker, meter);
  return meter;
}

type Registry = ServiceBroker["metrics"];

function meterOn(registry: Registry): Meter {
  const readers: (() => void | Promise<void>)[] = [];
  /** Registers at first use, so that a node exports only what its services have. */
  const known = (name: MetricName) => registry.hasMetric(name) || register(registry, name);
  return {
    isOn: true,
    count: (name, ...[labels]) => known(name) && registry.increment(name, labels),
    begin: (name, ...[labels]) => known(name) && registry.increment(name, labels, 0),
    observe: (name, seconds, ...[labels]) =>
      known(name) && registry.observe(name, Math.max(0, seconds), labels),
    set: (name, value, ...[labels]) => known(name) && registry.set(name, value, labels),
    clear: (name) => registry.getMetric(name)?.clear(),
    collect: (read) => void readers.push(read),
    collectAll: async () => {
      await Promise.allSettled(readers.map(async (read) => read()));
    },
  };
}

function register(registry: Registry, name: MetricName): true {
  const { type, help: description, labels, ...rest } = metrics[name];
  // The cast: the type is one of several, each with options of its own.
  registry.register({ name, type, description, labelNames: [...labels], ...rest } as never);
  return true;
}

/** Shows the refusals of one edge before the first one. */
export function beginRefusals(edge: "http" | "socket", meter: Meter): void {
  for (const code of Object.keys(errors)) meter.begin("souk_refusals_total", { edge, code });
}
