import type { Service } from "moleculer";
import type { Static } from "typebox";
import { meterOf } from "../../broker/metrics/meter.ts";
import { badData, codeOf } from "../../broker/refusal.ts";
import { checker, type Check } from "../../broker/validator.ts";
import { errors } from "../../contracts/errors.ts";
import { clientEvents, type Refused } from "../../contracts/socket.ts";
import type { ClientEvent, UserSocket } from "./user-socket.ts";

export type Payload<E extends ClientEvent> = Static<(typeof clientEvents)[E]["payload"]>;
export type Answer<E extends ClientEvent> = Static<(typeof clientEvents)[E]["ack"]>;

const names = Object.keys(clientEvents) as ClientEvent[];

/** Handlers for moleculer-io's namespace, one for each event of the contract. All sockets share them. */
export const eventHandlers = Object.fromEntries(
  names.map((event) => [
    event,
    function (this: UserSocket, ...args: unknown[]) {
      void this.$service.receive(this, event, args);
    },
  ]),
);

/** A catch-all listener for events that the contract does not name, shared by all sockets. */
export function receiveUnknown(this: UserSocket, event: unknown, ...args: unknown[]): void {
  if (!names.includes(event as ClientEvent)) void this.$service.receive(this, undefined, args);
}

const checks = new Map<ClientEvent, Check>(
  names.map((event) => [event, checker(clientEvents[event].payload)]),
);

/** The payload of an event, checked by the contract. Throws BAD_DATA. */
export function parsePayload<E extends ClientEvent>(event: E, payload: unknown): Payload<E> {
  const problems = checks.get(event)!(payload);
  if (problems.length > 0) throw badData(problems);
  return payload as Payload<E>;
}

/** Separates the payload from the acknowledgement, which Socket.IO appends when the client asks for one. */
export function splitArgs(args: unknown[]): { payload: unknown; ack: (answer: unknown) => void } {
  // A client cannot send a function.
  const last = args.at(-1);
  return typeof last === "function"
    ? { payload: args[0] === last ? undefined : args[0], ack: last as () => void }
    : { payload: args[0], ack() {} };
}

/** The failed acknowledgement for an error. Details of server faults are logged and not sent. */
export function refusedAnswer(
  error: unknown,
  { logger, broker }: Pick<Service, "logger" | "broker">,
): Refused {
  const code = codeOf(error);
  meterOf(broker).count("souk_refusals_total", { edge: "socket", code });
  const { status, title } = errors[code];
  if (code === "INTERNAL") logger.error(error);
  return { ok: false, code, detail: status < 500 ? (error as Error).message : title };
}
