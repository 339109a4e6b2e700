/** A node in its own process, for tests that kill, freeze or stop it. Prints "ready" and each job. */
import { ServiceBroker, type Context } from "moleculer";
import { setTimeout as pause } from "node:timers/promises";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";

const { AMQP_URL = "", NAMESPACE, NODE_ID } = process.env;

const broker = new ServiceBroker({
  ...brokerDefaults,
  nodeID: NODE_ID,
  namespace: NAMESPACE,
  transporter: amqp(AMQP_URL),
  logger: false,
});

broker.createService({
  name: "worker",
  actions: {
    async work(ctx: Context<{ job: string; takes?: number }>) {
      console.log(ctx.params.job);
      await pause(ctx.params.takes ?? 0);
      return NODE_ID;
    },
  },
});

await broker.start();
console.log("ready");
