import { ServiceBroker, type BrokerOptions, type ServiceSchema } from "moleculer";

/**
 * Starts this process as one node that hosts the named services, all of them when none is named. The environment is read now, once;
 * `instead` replaces options of moleculer.config.ts.
 */
export async function startNode(
  names: string[] = [],
  instead: BrokerOptions = {},
): Promise<ServiceBroker> {
  if (names.length > 0) process.env.SERVICES = names.join(",");
  const { default: options } = await import("../moleculer.config.ts");
  const { env } = await import("../broker/env.ts");
  const broker = new ServiceBroker({ ...options, ...instead });
  for (const name of env.services) {
    const { default: service } = (await import(`../services/${name}.service.ts`)) as {
      default: ServiceSchema;
    };
    broker.createService(service);
  }
  const { error } = broker.logger;
  // What prevents the start is thrown, and said once by whoever called; Moleculer would log it with its stack as well.
  broker.logger.error = (...said: unknown[]) =>
    void (said[0] === "Unable to start all services." || error(...said));
  await broker.start().finally(() => (broker.logger.error = error));
  return broker;
}
