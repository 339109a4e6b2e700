/** Which events ask the client of a connection for a receipt. */
import { jest } from "@jest/globals";
import type { Notification } from "../../contracts/notifications.ts";
import { firstReceiptMs, Receipts } from "../../edge/sockets/receipts.ts";
import type { UserSocket } from "../../edge/sockets/user-socket.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

type Acknowledge = (...args: unknown[]) => void;

/** A connection whose client acknowledges when the test says so. It keeps acknowledgements as Socket.IO does, with and without a time limit. */
function connection() {
  const owed = new Set<Acknowledge>();
  const receipts = new Receipts();
  let shown = 0;
  const socket = {
    emit: (_event: string, _payload: object, ack?: Acknowledge) => void (ack && owed.add(ack)),
    timeout: (ms: number) => ({
      emit(_event: string, _payload: object, ack: Acknowledge) {
        const acknowledge = () => {
          clearTimeout(timer);
          ack(null);
        };
        owed.add(acknowledge);
        const timer = setTimeout(() => {
          owed.delete(acknowledge);
          ack(new Error("timeout"));
        }, ms);
      },
    }),
  };
  return {
    owed: () => owed.size,
    shown: () => shown,
    emit(count: number) {
      for (let n = 0; n < count; n++)
        receipts.emit(socket as unknown as UserSocket, "notification", {} as Notification, () => {
          shown++;
        });
    },
    acknowledgeAll() {
      for (const ack of owed) {
        owed.delete(ack);
        ack();
      }
    },
  };
}

it("each notice of a burst that comes before the first receipt asks for one, up to 1,000", () => {
  const client = connection();

  client.emit(1_500);
  expect(client.owed()).toBe(1_000);

  client.acknowledgeAll();
  expect(client.shown()).toBe(1_000);
});

it("a client that never acknowledges is asked for 64 receipts in the long run", () => {
  const client = connection();

  client.emit(1_500);
  jest.advanceTimersByTime(firstReceiptMs);
  expect(client.owed()).toBe(64);

  client.emit(1_500);
  expect(client.owed()).toBe(64);
});

it("a late first receipt counts, and from then on each notice asks for one again", () => {
  const client = connection();
  client.emit(100);
  jest.advanceTimersByTime(firstReceiptMs);

  client.acknowledgeAll();
  expect(client.shown()).toBe(64);

  client.emit(500);
  jest.advanceTimersByTime(firstReceiptMs);
  expect(client.owed()).toBe(500);
});
