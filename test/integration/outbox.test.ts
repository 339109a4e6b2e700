import { randomUUID } from "node:crypto";
import { ServiceBroker, type Service } from "moleculer";
import pLimit from "p-limit";
import { outboxPromises, type Fabric, type Market } from "../support/outbox-promises.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

/** One node, over files. */
async function embedded(): Promise<Fabric> {
  const folder = temporaryFolder();
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  const { SchemaValidator } = await import("../../broker/validator.ts");
  const { default: market } = await import("../../services/market.service.ts");
  const receiver = new RecordingReceiver();
  let broker: ServiceBroker;
  let receiving: Service | undefined;
  const fabric: Fabric = {
    receiver,
    markets: [],
    async fill(items) {
      // Thousands of inserts at the same time would not end within the time of one call.
      await pLimit(500).map(items, (item) => fabric.markets[0]!.adapter.insert(item));
    },
    async appear() {
      receiving ??= broker.createService(receiver.service);
      await broker.waitForServices("notifications");
    },
    async vanish() {
      if (receiving) await broker.destroyService(receiving);
      receiving = undefined;
    },
    async start() {
      broker = new ServiceBroker({
        nodeID: randomUUID(),
        logger: false,
        validator: new SchemaValidator({}),
        requestTimeout: 5000,
      });
      fabric.markets = [broker.createService(market) as Market];
      receiving = undefined;
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

describe("the outbox of one node, over files", () => outboxPromises(embedded, 5_000));
