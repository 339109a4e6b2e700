import type { Browser } from "playwright-core";
import { freshPage } from "../../bin/web-build.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { embedded, type Fabric } from "../support/fabric.ts";
import { openBrowser, patience, rings, sees, Visitor } from "./support/browser.ts";

import.meta.jest.setTimeout(90_000);

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
  it("counts them all, keeps few of them in the document, and stays quick", async () => {
    const client = await Client.registered(market.api);
    for (let n = 0; n < 5_000; n += 500) await notify(client.id, n, n + 500);
    const seller = await Visitor.arrives(browser, market.api, { as: client });
    const { page } = seller;
    await seller.visits("/shop/inbox");
    await sees(page, "5,000 unread");
    await rings(page, 5_000);
    // What may be agreed to is not behind the end of the list, beside it or above it.
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 720 });
      expect((await page.getByLabel("Ring softly").boundingBox())!.y).toBeLessThan(720);
    }
    const rows = page.getByRole("list", { name: "New notices" }).getByRole("listitem");

    // Scrolling loads more and more of them.
    const known = () =>
      page.locator(".is-window > li").first().getAttribute("aria-setsize").then(Number);
    await eventually(
      async () => {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        expect(await known()).toBeGreaterThanOrEqual(600);
      },
      { within: 40_000, every: 100 },
    );
    expect(await rows.count()).toBeLessThan(60);
    expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(800);

    // A new one takes its place at the top, whatever is loaded; drawing it is a matter of a moment.
    await page.evaluate(() => scrollTo(0, 0));
    await sees(page, "Bead 4999");
    await page.evaluate(() => {
      const slow = { longest: 0 };
      Object.assign(window, { slow });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries())
          slow.longest = Math.max(slow.longest, duration);
      }).observe({ type: "longtask" });
    });
    await notify(client.id, 5_000, 5_010);
    await sees(page.locator(".is-window"), "Bead 5009");
    await rings(page, 5_010);
    const longest = await page.evaluate(
      () => (window as unknown as { slow: { longest: number } }).slow.longest,
    );
    expect(longest).toBeLessThan(400);
    expect(await page.locator(".toast").count()).toBeLessThanOrEqual(3);

    await page.getByRole("button", { name: "Mark all as read" }).click();
    await sees(page, "Nothing new.");
    await rings(page, 0);
    await page.getByRole("link", { name: "Earlier" }).click();
    await sees(page, "Bead 5009");
    await seller.leaves();
  });

  it("that no sale made: shows their text, and nothing of what they bring is run", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.arrives(browser, market.api, { as: client });
    await seller.visits("/shop/inbox");
    await rings(seller.page, 0);
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
    await rings(seller.page, 4);
    await sees(seller.page.locator(".is-window"), "<b>Hat</b>");
    await sees(seller.page.locator(".is-window"), "<script>window.ran=1</script>");
    const links = await seller.page
      .locator(".is-window a")
      .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    expect(links).toEqual(["/shop/items/..%2F..%2Fusers"]);
    expect(await seller.page.evaluate(() => "ran" in window)).toBe(false);
    await seller.leaves();
  });
});

describe("alerts, once agreed to", () => {
  it("are told outside of the page also where no sound can be played", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.arrives(browser, market.api, {
      as: client,
      permissions: ["notifications"],
    });
    await seller.context.addInitScript(() => {
      const told: string[] = [];
      localStorage.setItem("souk.sound", "on");
      localStorage.setItem("souk.desktop", "on");
      Object.defineProperty(document, "hidden", { value: true });
      const AudioContext = function () {
        throw new DOMException("no device", "NotSupportedError");
      };
      const Notification = function (title: string) {
        told.push(title);
      };
      Object.assign(window, {
        told,
        AudioContext,
        Notification: Object.assign(Notification, { permission: "granted" }),
      });
    });
    await seller.visits("/");
    await rings(seller.page, 0);
    await market.call("notifications.notify", {
      userId: client.id,
      text: "Your fife was sold!",
      type: "sale",
      data: {},
    });
    const told = () => seller.page.evaluate(() => (window as unknown as { told: string[] }).told);
    await eventually(async () => expect(await told()).toEqual(["Your fife was sold!"]), {
      within: patience,
    });
    await seller.leaves();
  });

  it("ring in one of the open tabs, and tell outside of the page only while another is looked at", async () => {
    const client = await Client.registered(market.api);
    const seller = await Visitor.arrives(browser, market.api, {
      as: client,
      permissions: ["notifications"],
    });
    await seller.context.addInitScript(() => {
      const heard = { tones: 0, told: [] as string[] };
      Object.assign(window, { heard });
      const { start } = OscillatorNode.prototype;
      OscillatorNode.prototype.start = function (...args) {
        heard.tones++;
        start.apply(this, args);
      };
      const told = function (title: string) {
        heard.told.push(title);
      };
      Object.assign(window, {
        Notification: Object.assign(told, {
          permission: "granted",
          requestPermission: async () => "granted",
        }),
      });
    });
    await seller.visits("/shop/inbox");
    await seller.page.getByLabel("Ring softly").check();
    await seller.page.getByLabel("Tell me outside of this page").check();
    await rings(seller.page, 0);
    const second = await seller.visits("/", await seller.tab());
    await rings(second, 0);
    type Heard = { heard: { tones: number; told: string[] } };
    const heard = () =>
      Promise.all(
        [seller.page, second].map((tab) => tab.evaluate(() => (window as unknown as Heard).heard)),
      );
    const before = (await heard()).reduce((sum, { tones }) => sum + tones, 0);

    await market.call("notifications.notify", {
      userId: client.id,
      text: "Your drum was sold!",
      type: "sale",
      data: {},
    });
    for (const tab of [seller.page, second])
      await sees(tab.locator(".toast"), "Your drum was sold!");
    await eventually(
      async () =>
        expect((await heard()).reduce((sum, { tones }) => sum + tones, 0)).toBe(before + 2),
      { within: patience },
    );
    expect((await heard()).flatMap(({ told }) => told)).toEqual([]);

    await second.evaluate(() => Object.defineProperty(document, "hidden", { value: true }));
    // Left before it is closed: a page on its way out may still hear the next one, and be the tab that rings.
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
        const { told } = await second.evaluate(() => (window as unknown as Heard).heard);
        expect({ told, faults: seller.faults }).toEqual({
          told: ["Your flute was sold!"],
          faults: [],
        });
      },
      { within: patience },
    );
    await seller.leaves();
  });
});
