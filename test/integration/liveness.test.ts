import { jest } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { amqp } from "../../broker/amqp/transporter.ts";
import { liveness } from "../../edge/readiness.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import { shopOn, things } from "../support/store-promises.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
afterEach(() => jest.restoreAllMocks());

const open = (what: ReturnType<typeof things>) => new SqliteStore(`${folder.path}/a.sqlite`, what);

it("a node whose store is closed is not live, and says which", async () => {
  const shop = await shopOn(open);
  expect(liveness(shop.broker)).toEqual({ status: "live" });
  await (shop.broker.getLocalService("shop") as { adapter?: SqliteStore }).adapter!.disconnect();
  expect(liveness(shop.broker)).toEqual({
    status: "not live",
    causes: ["The store of shop is closed."],
  });
  await shop.stop();
});

it("a node whose databases' thread has not answered for 30 s is not live until it answers", async () => {
  const shop = await shopOn(open);
  const asked = shop.store.ping();
  // The thread cannot answer before this turn of the event loop ends.
  const { now } = performance;
  jest.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 31_000);
  expect(liveness(shop.broker)).toEqual({
    status: "not live",
    causes: ["The store of shop waits for a thread that does not answer."],
  });
  jest.restoreAllMocks();
  await asked;
  expect(liveness(shop.broker)).toEqual({ status: "live" });
  await shop.stop();
});

it("a node whose transporter was stopped while it runs is not live", async () => {
  const broker = new ServiceBroker({ logger: false });
  await broker.start();
  const tx = amqp("amqp://127.0.0.1:1");
  const withTransporter = Object.assign(Object.create(broker) as ServiceBroker, {
    transit: { tx },
  });
  expect(liveness(withTransporter)).toEqual({ status: "live" });
  await tx.disconnect();
  expect(liveness(withTransporter)).toEqual({
    status: "not live",
    causes: ["The transporter has stopped."],
  });
  await broker.stop();
});
