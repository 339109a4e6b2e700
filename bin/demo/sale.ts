import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import type { Inbox } from "../../contracts/notifications.ts";
import { startNode } from "../node.ts";
import { call, connect, hold, register, type Device } from "./teller.ts";

/** The story of one sale, on a private embedded market. */
export async function sale(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "souk-demo-"));
  Object.assign(process.env, { DATA_DIR: dataDir, HOST: "127.0.0.1", PORT: "0", SOCKET_PORT: "0", LOG_LEVEL: "error" });
  // Whatever this shell is set up for, the story needs no servers.
  Object.assign(process.env, { AMQP_URL: "", MONGO_URL: "", MARKET_MONGO_URL: "", NOTIFICATIONS_MONGO_URL: "", USERS_MONGO_URL: "" });
  delete process.env.SERVICES;
  // Without the usual greeting: the story tells what is to be seen.
  const broker = await startNode([], { started: () => {} });
  const devices: Device[] = [];
  try {
    await tell(addressOf(broker, "api"), addressOf(broker, "notifications"), devices);
  } finally {
    for (const device of devices) device.close();
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function tell(api: string, sockets: string, devices: Device[]) {
  hold(Boolean(api && sockets), `A market opens: HTTP at ${api}, Socket.IO at ${sockets}.`);

  const seller = await register(api, "Selma");
  const item = await call<{ id: string }>(api, "POST", "/market/items", seller, { title: "A lamp, slightly used", price: 4_200 });
  hold(item.status === 201, `Selma signs up and offers a lamp for 42.00 EUR: item #${item.body.id}.`);

  devices.push(await connect(sockets, seller), await connect(sockets, seller));
  const isEmpty = devices.every(({ inbox }) => inbox.unread === 0);
  hold(isEmpty, "Selma's phone and laptop connect; both inboxes are empty.");

  const [buyer, late] = [await register(api, "Bilal"), await register(api, "Lara")];
  const asked = performance.now();
  const bought = await call<{ ok: boolean; saleId: string }>(api, "POST", `/market/buy/${item.body.id}`, buyer);
  hold(bought.body.ok, `Bilal buys it with one call: ${JSON.stringify(bought.body)}`);

  for (const [at, name] of ["phone", "laptop"].entries()) {
    const { text, id } = await devices[at]!.next();
    hold(id === bought.body.saleId, `Selma's ${name} shows: "${text}" (${(performance.now() - asked).toFixed(0)} ms after the call).`);
  }

  const again = await call<{ saleId: string }>(api, "POST", `/market/buy/${item.body.id}`, buyer);
  hold(again.body.saleId === bought.body.saleId, "Bilal's app, unsure, asks again and gets the same sale.");
  const refused = await call<{ code: string; title: string }>(api, "POST", `/market/buy/${item.body.id}`, late);
  hold(refused.body.code === "ITEM_SOLD", `Lara is too late: ${refused.status} ${refused.body.code}, "${refused.body.title}".`);

  const { body: inbox } = await call<Inbox>(api, "GET", "/notifications", seller);
  const isThere = inbox.unread === 1 && inbox.notifications[0]?.id === bought.body.saleId;
  hold(isThere, `Selma's inbox has it, once: ${inbox.unread} unread.`);
}

function addressOf(broker: ServiceBroker, service: string): string {
  const { address, port } = (broker.getLocalService(service) as unknown as { address(): { address: string; port: number } }).address();
  return `http://${address}:${port}`;
}
