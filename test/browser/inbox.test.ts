import type { Browser } from "playwright-core";
import { freshPage } from "../../bin/web-build.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { embedded, type Fabric } from "../support/fabric.ts";
import { openBrowser, visitorTimeoutMs, inboxWith, showsText, Visitor } from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

let browser: Browser;
let market: Fabric;

beforeAll(async () => {
  expect(await freshPage()).toBeUndefined();
  [browser, market] = await Promise.all([openBrowser(), embedded()]);
});

afterAll(async () => {
  await browser?.close();
  await market?.stop();
});

const notify = (userId: string, from: number, to: number) =>
  Promise.all(
    Array.from({ length: to - from }, (_, n) =>
      market.call("notifications.notify", {
        id: `sale-${from + n}`,
        userId,
        type: "sale",
        text: `Item #${from + n} was sold!`,
        data: { itemId: `${from + n}`, title: `Bead ${from + n}`, price: 100, currency: "EUR" },
      }),
    ),
  );

describe("an inbox of 5,000 notices", () => {
  it("shows their count, keeps few rows in the document, and stays fast", async () => {
    const client = await Client.registered(market.api);
    for (let n = 0; n < 5_000; n += 500) await notify(client.id, n, n + 500);
    const seller = await Visitor.open(browser, market.api, { as: client });
    const { page } = seller;
    await seller.visit("/shop/inbox");
    await showsText(page, "5,000 unread");
    await inboxWith(page, 5_000);
    // The settings are visible beside or above the list.
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 720 });
      expect(
        (await page.getByRole("link", { name: "Notification settings" }).boundingBox())!.y,
      ).toBeLessThan(720);
    }
    const rows = page.getByRole("list", { name: "New notices" }).getByRole("listitem");

    // Scrolling loads more pages.
    const loadedRows = () =>
      page.locator(".is-virtual > li").first().getAttribute("aria-setsize").then(Number);
    await eventually(
      async () => {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        expect(await loadedRows()).toBeGreaterThanOrEqual(600);
      },
      { within: 40_000, every: 100 },
    );
    expect(await rows.count()).toBeLessThan(60);
    expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(800);

    // A new notice appears at the top without a long task, however many are loaded.
    await page.evaluate(() => scrollTo(0, 0));
    await showsText(page, "Bead 4999");
    await page.evaluate(() => {
      const slow = { longest: 0 };
      Object.assign(window, { slow });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries())
          slow.longest = Math.max(slow.longest, duration);
      }).observe({ type: "longtask" });
    });
    await notify(client.id, 5_000, 5_010);
    await showsText(page.locator(".is-virtual"), "Bead 5009");
    await inboxWith(page, 5_010);
    const longest = await page.evaluate(
      () => (window as unknown as { slow: { longest: number } }).slow.longest,
    );
    expect(longest).toBeLessThan(400);
    expect(await page.locator(".toast").count()).toBeLessThanOrEqual(3);

    await page.getByRole("button", { name: "Mark all as read" }).click();
    await showsText(page, "No new notices.");
    await inboxWith(page, 0);
    await page.getByRole("link", { name: "Earlier" }).click();
    await showsText(page, "Bead 5009");
    await seller.close();
  });

  it("shows the text of notices with invalid data, and executes nothing in them", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.open(browser, market.api, { as: client });
    await seller.visit("/shop/inbox");
    await inboxWith(seller.page, 0);
    for (const data of [
      { itemId: "../../users", title: "<b>Hat</b>", price: 1, currency: "EUR" },
      { title: 5 },
      { price: "1", currency: "<i>" },
      {},
    ])
      await market.call("notifications.notify", {
        userId: client.id,
        type: "sale",
        text: "<script>window.ran=1</script>",
        data,
      });
    await inboxWith(seller.page, 4);
    await showsText(seller.page.locator(".is-virtual"), "<b>Hat</b>");
    await showsText(seller.page.locator(".is-virtual"), "<script>window.ran=1</script>");
    const links = await seller.page
      .locator(".is-virtual a")
      .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    expect(links).toEqual(["/shop/items/..%2F..%2Fusers"]);
    expect(await seller.page.evaluate(() => "ran" in window)).toBe(false);
    await seller.close();
  });
});

describe("alerts that are turned on", () => {
  it("show a desktop notification even when no sound can be played", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.open(browser, market.api, {
      as: client,
      permissions: ["notifications"],
    });
    await seller.context.addInitScript(() => {
      const shown: string[] = [];
      localStorage.setItem("souk.sound", "on");
      localStorage.setItem("souk.desktop", "on");
      Object.defineProperty(document, "hidden", { value: true });
      const AudioContext = function () {
        throw new DOMException("no device", "NotSupportedError");
      };
      const Notification = function (title: string) {
        shown.push(title);
      };
      Object.assign(window, {
        shown,
        AudioContext,
        Notification: Object.assign(Notification, { permission: "granted" }),
      });
    });
    await seller.visit("/");
    await inboxWith(seller.page, 0);
    await market.call("notifications.notify", {
      userId: client.id,
      text: "Your fife was sold!",
      type: "sale",
      data: {},
    });
    const shown = () =>
      seller.page.evaluate(() => (window as unknown as { shown: string[] }).shown);
    await eventually(async () => expect(await shown()).toEqual(["Your fife was sold!"]), {
      within: visitorTimeoutMs,
    });
    await seller.close();
  });

  it("sound in one of the open tabs, and notify on the desktop only while the page is hidden", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.open(browser, market.api, {
      as: client,
      permissions: ["notifications"],
    });
    await seller.context.addInitScript(() => {
      const alerted = { tones: 0, shown: [] as string[] };
      Object.assign(window, { alerted });
      const { start } = OscillatorNode.prototype;
      OscillatorNode.prototype.start = function (...args) {
        alerted.tones++;
        start.apply(this, args);
      };
      const shown = function (title: string) {
        alerted.shown.push(title);
      };
      Object.assign(window, {
        Notification: Object.assign(shown, {
          permission: "granted",
          requestPermission: async () => "granted",
        }),
      });
    });
    await seller.visit("/shop/settings");
    await seller.page.getByLabel("Play a sound").check();
    await seller.page.getByLabel("Show a desktop notification").check();
    await inboxWith(seller.page, 0);
    const second = await seller.visit("/", await seller.tab());
    await inboxWith(second, 0);
    type Alerted = { alerted: { tones: number; shown: string[] } };
    const alerted = () =>
      Promise.all(
        [seller.page, second].map((tab) =>
          tab.evaluate(() => (window as unknown as Alerted).alerted),
        ),
      );
    const before = (await alerted()).reduce((sum, { tones }) => sum + tones, 0);

    await market.call("notifications.notify", {
      userId: client.id,
      text: "Your drum was sold!",
      type: "sale",
      data: {},
    });
    for (const tab of [seller.page, second])
      await showsText(tab.locator(".toast"), "Your drum was sold!");
    await eventually(
      async () =>
        expect((await alerted()).reduce((sum, { tones }) => sum + tones, 0)).toBe(before + 2),
      { within: visitorTimeoutMs },
    );
    expect((await alerted()).flatMap(({ shown }) => shown)).toEqual([]);

    await second.evaluate(() => Object.defineProperty(document, "hidden", { value: true }));
    // Leave the page first: a closing page may still receive the next notice and be the tab that alerts.
    await seller.page.goto("about:blank");
    await seller.page.close();
    await market.call("notifications.notify", {
      userId: client.id,
      text: "Your flute was sold!",
      type: "sale",
      data: {},
    });
    await eventually(
      async () => {
        const { shown } = await second.evaluate(() => (window as unknown as Alerted).alerted);
        expect({ shown, errors: seller.errors }).toEqual({
          shown: ["Your flute was sold!"],
          errors: [],
        });
      },
      { within: visitorTimeoutMs },
    );
    await seller.close();
  });
});
