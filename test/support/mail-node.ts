/**
 * A process with the deliveries service, whose mails go to SMTP_URL, and with the settings and addresses of its users. It accepts a sale for
 * each message with an `id`, whose user has the address `ID@souk.test`, and answers each message without one when nothing is due. For tests
 * that kill it.
 */
import { ServiceBroker } from "moleculer";
import { SchemaValidator } from "../../broker/validator.ts";
import service from "../../services/deliveries.service.ts";
import type { Worker } from "../../services/deliveries/worker.ts";

const broker = new ServiceBroker({ logger: false, validator: new SchemaValidator({}) });
const recipient = { language: "en", quietHours: null, push: [], mail: true, webhooks: [] };
broker.createService({
  name: "notifications",
  actions: {
    recipient: () => recipient,
    isShown: () => ({ isShown: false }),
    unsubscribeToken: () => ({ token: "token" }),
  },
});
broker.createService({
  name: "users",
  actions: {
    address: ({ params }: { params: { userId: string } }) => ({
      ...{ email: `${params.userId}@souk.test`, name: "Ann", isVerified: true, language: "en" },
    }),
  },
});
const deliveries = broker.createService(service) as unknown as { worker: Worker };
await broker.start();

process.on("message", ({ id }: { id?: string }) => {
  if (id === undefined) return void deliveries.worker.idle().then(() => process.send!("idle"));
  const createdAt = new Date().toISOString();
  const sale = { itemId: "1", saleId: id, title: `Lamp ${id}`, price: 4_200, currency: "EUR" };
  const data = { ...sale, soldAt: createdAt };
  const notice = { id, type: "sale", text: "Item #1 was sold!", data, createdAt };
  void broker
    .call("deliveries.accept", { kind: "mail", userId: id, notice })
    .then(() => process.send!("accepted"));
});
process.send!("started");
