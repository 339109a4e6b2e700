/** Makes the README's picture of the page, and the icon for phones that do not support SVG: `node test/browser/screenshot.ts`. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket } from "../support/market.ts";
import { openBrowser, inboxWith, toastOf, Visitor } from "./support/browser.ts";
import type { Session } from "../../contracts/users.ts";

const folder = join(import.meta.dirname, "../../docs/images");
const [browser, market] = await Promise.all([openBrowser(), startMarket()]);
const signedIn = async (name: string) => {
  const given = { email: `${name}@souk.test`, password: market.keys.samplePassword };
  const { body } = await new Client(market.api).call<Session>("POST", "/users/login", given);
  return new Client(market.api, body);
};

const [alice, erin] = await Promise.all([signedIn("alice"), signedIn("erin")]);
const seller = await Visitor.open(browser, market.api, {
  viewport: { width: 1200, height: 780 },
  colorScheme: "light",
});
await seller.context.addInitScript(
  (token) => localStorage.setItem("souk.refreshToken", token),
  alice.session!.refreshToken,
);
const page = await seller.visit("/");
await inboxWith(page, 0);
await erin.call("POST", "/market/buy/4");
await toastOf(page, "Copper coffee pot").waitFor();
await eventually(() =>
  page.evaluate(() => [...document.images].every(({ complete, y }) => complete || y > innerHeight)),
);
await page.evaluate(() =>
  Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
);
mkdirSync(folder, { recursive: true });
await page.screenshot({ path: join(folder, "market.jpg"), type: "jpeg", quality: 82 });

const assets = join(import.meta.dirname, "../../web/public/assets");
const icon = await (await browser.newContext({ viewport: { width: 180, height: 180 } })).newPage();
// Phones round the corners: fill them with the colour of the icon.
const drawing = readFileSync(join(assets, "icon.svg"), "utf8");
await icon.setContent(`<body style="margin: 0; background: #26306b">${drawing}</body>`);
await icon.screenshot({ path: join(assets, "icon.png") });

await browser.close();
await market.close();
