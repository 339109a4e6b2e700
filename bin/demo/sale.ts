import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { startNode } from "../node.ts";
import { connect, check, refusal, signIn, signUp, type Device, type Market } from "./steps.ts";

/** One sale, on a private embedded market. Throws when a step does not hold. */
export async function sale(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "souk-demo-"));
  Object.assign(process.env, {
    DATA_DIR: dataDir,
    HOST: "127.0.0.1",
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "error",
  });
  // The demo uses no servers, whatever the shell's environment names.
  Object.assign(process.env, {
    AMQP_URL: "",
    MONGO_URL: "",
    MARKET_MONGO_URL: "",
    NOTIFICATIONS_MONGO_URL: "",
    USERS_MONGO_URL: "",
  });
  delete process.env.SERVICES;
  // Without the greeting.
  const broker = await startNode([], { started: () => {} });
  const devices: Device[] = [];
  try {
    await run(
      { url: addressOf(broker, "api"), socketUrl: addressOf(broker, "notifications") },
      devices,
    );
  } finally {
    for (const device of devices) device.close();
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function run(market: Market, devices: Device[]) {
  check(
    Boolean(market.url && market.socketUrl),
    `A market opens: HTTP at ${market.url}, Socket.IO at ${market.socketUrl}.`,
  );

  const seller = await signUp(market, "Selma");
  const { id } = await seller.offer({ title: "A lamp, slightly used", price: 4_200 });
  check(Boolean(id), `Selma signs up and offers a lamp for 42.00 EUR: item #${id}.`);

  devices.push(await connect(seller), await connect(await signIn(market, "Selma")));
  const isEmpty = devices.every(({ unread }) => unread === 0);
  check(isEmpty, "Selma's phone and laptop connect; both inboxes are empty.");

  const [buyer, late] = [await signUp(market, "Bilal"), await signUp(market, "Lara")];
  const asked = performance.now();
  const bought = await buyer.buy(id);
  check(bought.ok, `Bilal buys it with one call: ${JSON.stringify(bought)}`);

  for (const [at, name] of ["phone", "laptop"].entries()) {
    const { text, id } = await devices[at]!.next();
    check(
      id === bought.saleId,
      `Selma's ${name} shows: "${text}" (${(performance.now() - asked).toFixed(0)} ms after the call).`,
    );
  }

  const again = await buyer.buy(id);
  check(again.saleId === bought.saleId, "Bilal's app repeats the call and gets the same sale.");
  const { status, code, detail } = await refusal(late.buy(id));
  check(code === "ITEM_SOLD", `Lara is too late: ${status} ${code}, "${detail}".`);

  const inbox = await seller.notifications();
  const isThere = inbox.unread === 1 && inbox.notifications[0]?.id === bought.saleId;
  check(isThere, `Selma's inbox has it, once: ${inbox.unread} unread.`);
}

function addressOf(broker: ServiceBroker, service: string): string {
  // The cast: Moleculer's type `Service` does not declare the methods that a mixin adds.
  const { address, port } = (
    broker.getLocalService(service) as unknown as { address(): { address: string; port: number } }
  ).address();
  return `http://${address}:${port}`;
}
