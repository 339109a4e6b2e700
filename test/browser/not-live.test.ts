/** What the page shows while it does not know: without sockets, with silent ones, and while requests fail. */
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { freePort } from "../../bin/processes/free-port.ts";
import { freshPage } from "../../bin/web-build.ts";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { Proxy } from "../support/proxy.ts";
import {
  disappears,
  inboxWith,
  openBrowser,
  outageErrors,
  showsText,
  Visitor,
} from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

const screenshots = join(import.meta.dirname, "screenshots");
let browser: Browser;
let market: Market;
/** Between the page and the sockets. */
let proxy: Proxy;
let owner: Client;
let buyer: Client;
let seller: Visitor;

beforeAll(async () => {
  expect(await freshPage()).toBeUndefined();
  mkdirSync(screenshots, { recursive: true });
  const port = await freePort();
  proxy = await Proxy.before(port);
  const env = { SOCKET_PORT: String(port), SOCKET_URL: `http://127.0.0.1:${proxy.port}` };
  [browser, market] = await Promise.all([openBrowser(), startMarket(env)]);
  buyer = await Client.registered(market.api);
});
afterAll(async () => {
  await browser?.close();
  await market?.close();
  await proxy?.close();
});

beforeEach(async () => {
  await proxy.admit();
  owner = await Client.registered(market.api);
  seller = await Visitor.open(browser, market.api, { as: owner, allowed: outageErrors });
});

async function sell(title: string): Promise<void> {
  const { id } = await owner.offer({ title });
  expect((await buyer.call("POST", `/market/buy/${id}`)).status).toBe(200);
}
/** The bell of a page that is not live. */
const notLive = (page: Page, unread: number) =>
  page.getByRole("link", { name: `Inbox, ${unread} unread, not live` }).waitFor();

it("an inbox without sockets shows its notices and those that follow, says that it is not live, and is live when it can be", async () => {
  await sell("A brass lamp");
  await proxy.refuse();
  const { page } = seller;
  await seller.visit("/shop/inbox");

  await showsText(page.locator(".is-virtual"), "A brass lamp");
  await showsText(page, "This page is not live: it cannot connect");
  await notLive(page, 1);
  for (const [name, width] of [
    ["not-live", 1280],
    ["not-live-390", 390],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(screenshots, `${name}.png`) });
  }
  await sell("A copper tray");
  await showsText(page.locator(".is-virtual"), "A copper tray");
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await showsText(page, "No new notices.");
  expect(await page.getByText("it shows you every sale immediately").count()).toBe(0);

  await proxy.admit();
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await inboxWith(page, 0);
  await disappears(page.getByText("This page is not live"));
  await seller.close();
});

it("an inbox that cannot be read at all is not called empty, and the bell says that the number is unknown", async () => {
  await sell("A brass lamp");
  await proxy.refuse();
  const { page } = seller;
  let isFailing = true;
  await page.route("**/notifications?*", (route) =>
    isFailing ? route.fulfill({ status: 500, json: { code: "INTERNAL" } }) : route.continue(),
  );
  await seller.visit("/shop/inbox");

  await showsText(page.getByRole("alert"), "Something went wrong on our side.");
  await page.getByRole("link", { name: "Inbox, number of notices unknown" }).waitFor();
  expect(await page.getByText("No new notices.").count()).toBe(0);
  await page.screenshot({ path: join(screenshots, "inbox-unknown.png") });
  isFailing = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await showsText(page.locator(".is-virtual"), "A brass lamp");
  await seller.close();
});

it.each([
  ["soon after the page is focused", "focus"],
  ["soon after the network is back", "online"],
  ["by the heartbeat otherwise", undefined],
] as const)("a connection that dies silently is replaced %s", async (_, event) => {
  const { page } = seller;
  await seller.visit("/shop/inbox");
  await inboxWith(page, 0);
  proxy.silence(1, "up", "down");
  await sell("A brass lamp");

  const from = performance.now();
  if (event) await page.evaluate((name) => dispatchEvent(new Event(name)), event);
  await showsText(page.locator(".is-virtual"), "A brass lamp");
  await inboxWith(page, 1);
  const shown = (performance.now() - from) / 1000;
  process.stderr.write(`${event ?? "no event"}: shown after ${shown.toFixed(1)} s\n`);
  // The machine may be busy.
  expect(shown).toBeLessThan(event ? 20 : 60);
  await seller.close();
});

/** Each list with its request and its text when it is empty. */
const lists = [
  ["market", "/", "**/market/items?*", "There are no items here yet."],
  ["search", "/?search=zzz", "**/market/items?*", "No items match your search."],
  ["seller", "/shop/sellers/bob", "**/market/items?*", "There are no items here yet."],
  ["sales", "/shop/sales", "**/market/sales?*", "You have not sold anything yet."],
  ["offers", "/shop/sales?show=offers", "**/market/items?*", "There are no items here yet."],
  ["purchases", "/shop/purchases", "**/market/purchases?*", "You have not bought anything yet."],
  ["earlier", "/shop/inbox?show=earlier", "**/notifications?*", "No earlier notices."],
] as const;

it.each(lists)(
  "the list %s is not called empty while it loads and when that fails",
  async (_, path, url, emptyText) => {
    const { page } = seller;
    const waiting: (() => void)[] = [];
    let isFailing = true;
    await page.route(url, async (route) => {
      if (!isFailing) return route.continue();
      await new Promise<void>((resolve) => waiting.push(resolve));
      await route.fulfill({ status: 500, json: { code: "INTERNAL" } });
    });
    const said: string[] = [];
    await page.exposeFunction("said", (text: string) => said.push(text));
    await page.addInitScript(() => {
      const { said } = window as unknown as { said: (text: string) => void };
      new MutationObserver(() => said(document.body?.innerText ?? "")).observe(document, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    });
    await seller.visit(path);
    await page.locator("main .is-loading").first().waitFor();
    while (waiting.length === 0) await page.waitForTimeout(50);
    for (const resolve of waiting) resolve();
    await showsText(page.getByRole("alert"), "Something went wrong on our side.");
    expect(said.filter((text) => text.includes(emptyText) || /No items found/.test(text))).toEqual(
      [],
    );

    isFailing = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await disappears(page.getByRole("alert"));
    await seller.close();
  },
);
