import { expect, it } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { brokerState } from "../../broker/amqp/reachability.ts";

it("is up without a transporter", () => {
  expect(brokerState({ transit: undefined })).toBe("up");
});

it("is the state of a transporter that has one, and otherwise that of Moleculer's connection", () => {
  expect(stateOf({ connected: true, tx: { state: "blocked" } })).toBe("blocked");
  expect(stateOf({ connected: true, tx: {} })).toBe("up");
  expect(stateOf({ connected: false, tx: {} })).toBe("disconnected");
});

/** The cast: only these two fields are read. */
const stateOf = (transit: object) =>
  brokerState({ transit } as unknown as Pick<ServiceBroker, "transit">);
