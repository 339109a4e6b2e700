/** Souk's promises to its users, checked on every fabric. */
import { Client } from "./client.ts";
import type { Fabric } from "./fabric.ts";
import { itemPromises } from "./promises/item.ts";
import { newFixture } from "./promises/fixture.ts";
import { noticePromises } from "./promises/notice.ts";
import { salePromises } from "./promises/sale.ts";
import { userPromises } from "./promises/user.ts";

export function promises(start: () => Promise<Fabric>): void {
  const fixture = newFixture();

  beforeAll(async () => {
    fixture.fabric = await start();
    fixture.seller = await Client.registered(fixture.fabric.api);
    fixture.buyer = await Client.registered(fixture.fabric.api);
  }, 300_000);
  afterAll(async () => {
    for (const device of fixture.devices) device.close();
    await fixture.fabric?.stop();
  });

  salePromises(fixture);
  itemPromises(fixture);
  userPromises(fixture);
  noticePromises(fixture);
}
