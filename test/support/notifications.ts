/** The notifications service in this process, with the users service that it calls, and with devices and tokens. */
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import type { ActionName, Actions } from "../../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import { Device } from "./device.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { tokenOf } from "./tokens.ts";

export interface Notifications {
  url: string;
  port: number;
  broker: ServiceBroker;
  call<A extends ActionName>(
    name: A,
    params: ParamsOf<Actions[A]>,
    userId?: string,
  ): Promise<ResultOf<Actions[A]>>;
  token(userId: string, claims?: Parameters<typeof tokenOf>[2]): Promise<string>;
  /** A connected device that has received its first inbox. */
  device(userId: string, claims?: Parameters<typeof tokenOf>[2]): Promise<Device>;
  anonymous(options?: ConstructorParameters<typeof Device>[2]): Device;
  /** Restarts the service, on the same port and data. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops everything and removes the data. */
  end(): Promise<void>;
}

export async function notifications(): Promise<Notifications> {
  const folder = temporaryFolder();
  const port = await freePort();
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    // The origin of pages; nothing listens there.
    PORT: "3000",
    SOCKET_PORT: `${port}`,
    LOG_LEVEL: "error",
  });
  const { env } = await import("../../broker/env.ts");
  const { SchemaValidator } = await import("../../broker/validator.ts");
  const services = [
    await import("../../services/users.service.ts"),
    await import("../../services/notifications.service.ts"),
  ];
  const key = env.keys.private!;
  const devices: Device[] = [];
  const added = (device: Device) => {
    devices.push(device);
    return device;
  };
  const running: Notifications = {
    url: `http://127.0.0.1:${port}`,
    port,
    broker: undefined as never,
    call: (name, params, userId) =>
      running.broker.call(name, params as object, { meta: userId ? { user: { id: userId } } : {} }),
    token: (userId, claims) => tokenOf(key, userId, claims),
    async device(userId, claims) {
      const device = added(new Device(running.url, await running.token(userId, claims)));
      await device.receives("inbox");
      return device;
    },
    anonymous: (options) => added(new Device(running.url, undefined, options)),
    stop: () => running.broker.stop(),
    async start() {
      running.broker = new ServiceBroker({
        nodeID: randomUUID(),
        logger: false,
        validator: new SchemaValidator({}),
      });
      for (const { default: service } of services) running.broker.createService(service);
      await running.broker.start();
    },
    async end() {
      for (const device of devices) device.close();
      await running.stop();
      folder.remove();
    },
  };
  await running.start();
  return running;
}
