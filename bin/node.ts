import { ServiceBroker, type BrokerOptions, type ServiceSchema } from "moleculer";

/**
 * Starts a node in this process with the named services; without names, those in SERVICES, or all. The environment
 * is read now, once. `overrides` replace options of moleculer.config.ts. Rejects with the reason of a failed start.
 */
export async function startNode(
  names: string[] = [],
  overrides: BrokerOptions = {},
): Promise<ServiceBroker> {
  if (names.length > 0) process.env.SERVICES = names.join(",");
  const { default: options } = await import("../moleculer.config.ts");
  const { env } = await import("../broker/env.ts");
  const broker = new ServiceBroker({ ...options, ...overrides });
  // users comes first: at the first start it hashes a password on another core, while the others are loaded.
  for (const name of env.services.toReversed()) {
    const { default: service } = (await import(`../services/${name}.service.ts`)) as {
      default: ServiceSchema;
    };
    broker.createService(service);
  }
  const stop = broker.stop.bind(broker);
  let stopped: Promise<void> | undefined;
  // On Ctrl-C both the terminal and npm send a signal, and Moleculer would stop twice.
  broker.stop = () => (stopped ??= stop());
  const { error } = broker.logger;
  // Moleculer would also log the reason with its stack; the caller prints the rejection.
  broker.logger.error = (...args: unknown[]) =>
    void (args[0] === "Unable to start all services." || error(...args));
  await broker.start().finally(() => (broker.logger.error = error));
  return broker;
}
