/**
 * A process with the deliveries service and the settings of one seller, whose webhook is at RECEIVER with SECRET. It stores a sale for each
 * message with an `id`, and answers each message `idle` when nothing is due. For tests that kill it.
 */
import { ServiceBroker } from "moleculer";
import { SchemaValidator } from "../../broker/validator.ts";
import service from "../../services/deliveries.service.ts";
import type { Worker } from "../../services/deliveries/worker.ts";

const { RECEIVER: url, SECRET: secret } = process.env;
const webhooks = [{ id: "hook", url, secrets: [secret] }];
const recipient = { language: "en", quietHours: null, push: [], mail: false, webhooks };
const broker = new ServiceBroker({ logger: false, validator: new SchemaValidator({}) });
broker.createService({
  name: "notifications",
  actions: { recipient: () => recipient, isShown: () => ({ isShown: false }) },
});
const deliveries = broker.createService(service) as unknown as { worker: Worker };
await broker.start();

process.on("message", ({ id }: { id?: string }) => {
  if (id === undefined) return void deliveries.worker.idle().then(() => process.send!("idle"));
  const createdAt = new Date().toISOString();
  const notice = { id, type: "sale", text: "Item #1 was sold!", data: {}, createdAt };
  void broker.call("deliveries.accept", { kind: "webhook", userId: "seller", notice });
});
process.send!("started");
