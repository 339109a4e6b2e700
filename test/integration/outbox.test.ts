import { randomUUID } from "node:crypto";
import { ServiceBroker, type Service } from "moleculer";
import { debtPromises, type Fabric, type Market } from "../support/outbox-promises.ts";
import { Listener } from "../support/listener.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

/** One node, over files. */
async function embedded(): Promise<Fabric> {
  const folder = temporaryFolder();
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SchemaValidator } = await import("../../broker/validator.ts");
  const { default: market } = await import("../../services/market.service.ts");
  const listener = new Listener();
  let broker: ServiceBroker;
  let heard: Service | undefined;
  const fabric: Fabric = {
    listener,
    markets: [],
    async fill(items) {
      await Promise.all(items.map((item) => fabric.markets[0]!.adapter.insert(item)));
    },
    async appear() {
      heard ??= broker.createService(listener.service);
      await broker.waitForServices("notifications");
    },
    async vanish() {
      if (heard) await broker.destroyService(heard);
      heard = undefined;
    },
    async start() {
      broker = new ServiceBroker({
        nodeID: randomUUID(),
        logger: false,
        validator: new SchemaValidator({}),
        requestTimeout: 5000,
      });
      fabric.markets = [broker.createService(market) as Market];
      heard = undefined;
      await broker.start();
    },
    stop: () => broker.stop(),
    async end() {
      await broker.stop();
      folder.remove();
    },
  };
  return fabric;
}

describe("debts of one node, over files", () => debtPromises(embedded, 20_000));
