/** The API documentation at /docs: what it shows, and the calls that it sends. */
import axe from "@axe-core/playwright";
import type { Browser } from "playwright-core";
import { Client, password } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { openBrowser, showsText, Visitor } from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

let browser: Browser;
let market: Market;
beforeAll(async () => {
  [browser, market] = await Promise.all([openBrowser(), startMarket()]);
});
afterAll(async () => {
  await browser?.close();
  await market?.close();
});

it.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 390],
  ["dark", 390],
] as const)(
  "shows a call with its parameters and code, in the %s theme at %i pixels, and breaks no axe rule",
  async (colorScheme, width) => {
    const visitor = await Visitor.open(browser, market.api, {
      colorScheme,
      viewport: { width, height: 900 },
    });
    const page = await visitor.visit("/docs#market.items");
    const call = page.locator("[id='market.items']");
    await showsText(call, "Beginnings of words of title and description");
    await call.getByLabel("search").fill("lan");
    await showsText(call, `curl '${market.api}/market/items?search=lan'`);
    await showsText(call, `await fetch("${market.api}/market/items?search=lan")`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const { violations } = await new axe({ page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await visitor.close();
  },
);

it("sends a call to this market only, as the user who signed in on the page", async () => {
  const user = await Client.registered(market.api);
  const visitor = await Visitor.open(browser, market.api);
  const page = await visitor.visit("/docs#market.buy");
  const origins = new Set<string>();
  page.on("request", (request) => void origins.add(new URL(request.url()).origin));
  const call = page.locator("[id='market.buy']");
  await call.getByLabel("id", { exact: true }).fill("2");
  await call.getByRole("button", { name: "Sign in and send" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Email address").fill(user.session!.user.email);
  await dialog.getByLabel("Password").fill("another password");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await showsText(dialog, "The email address or password is wrong");
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await showsText(call, /"saleId": "/);
  const { body } = await user.call<{ sales: { itemId: string }[] }>("GET", "/market/purchases");
  expect(body.sales.map(({ itemId }) => itemId)).toEqual(["2"]);
  expect([...origins]).toEqual([market.api]);
  // The code never holds the token.
  expect(await call.locator(".sample").allInnerTexts()).not.toContain(expect.stringMatching("eyJ"));
  await page.getByRole("button", { name: "Sign out" }).click();
  await call.getByRole("button", { name: "Sign in and send" }).waitFor();
  await visitor.close();
});
