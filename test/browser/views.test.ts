import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket, type Market } from "../support/market.ts";
import {
  openBrowser,
  visitorTimeoutMs,
  inboxWith,
  showsText,
  toastOf,
  Visitor,
} from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

/** Screenshots of all views, for review. Git ignores them. */
const screenshots = join(import.meta.dirname, "screenshots");

let browser: Browser;
let market: Market;
let alice: Client;
let items: { own: string; sold: string };

beforeAll(async () => {
  [browser, market] = await Promise.all([openBrowser(), startMarket()]);
  alice = await Client.registered(market.api);
  const buyer = await Client.registered(market.api);
  const own = await alice.offer({
    title: "Mint tea, a tin of it",
    description: "The small leaves.",
  });
  const sold = await alice.offer({ title: "Amber necklace", price: 23_500 });
  await buyer.call("POST", `/market/buy/${sold.id}`);
  await alice.call("POST", "/market/buy/3");
  items = { own: own.id, sold: sold.id };
  mkdirSync(screenshots, { recursive: true });
});

afterAll(async () => {
  await browser?.close();
  await market?.close();
});

/** Every view with its heading. */
const views = {
  market: { path: () => "/", heading: "One of each." },
  search: { path: () => "/?search=lan", heading: "Search: lan" },
  "search without a result": { path: () => "/?search=zzz", heading: "Search: zzz" },
  item: { path: () => "/shop/items/2", heading: "Indigo wool rug" },
  "own item": { path: () => `/shop/items/${items.own}`, heading: "Mint tea, a tin of it" },
  "sold item": { path: () => `/shop/items/${items.sold}`, heading: "Amber necklace" },
  "no such item": { path: () => "/shop/items/none", heading: "Item not found" },
  seller: { path: () => "/shop/sellers/bob", heading: "Items by Bob" },
  sell: { path: () => "/shop/sell", heading: "Sell an item" },
  revise: { path: () => `/shop/items/${items.own}/edit`, heading: "Edit your item" },
  sales: { path: () => "/shop/sales", heading: "My sales" },
  offers: { path: () => "/shop/sales?show=offers", heading: "My sales" },
  purchases: { path: () => "/shop/purchases", heading: "My purchases" },
  inbox: { path: () => "/shop/inbox", heading: "Inbox" },
  settings: { path: () => "/shop/settings", heading: "Notification settings" },
  account: { path: () => "/shop/account", heading: /^user-/ },
  nowhere: { path: () => "/shop/nowhere", heading: "Page not found" },
  "sign-in": { path: () => "/shop/sign-in", heading: "Sign in", isSignedOut: true },
  register: { path: () => "/shop/register", heading: "Create an account", isSignedOut: true },
  verify: {
    path: () => "/verify#unknown",
    heading: "Verify your email address",
    isSignedOut: true,
  },
} as const;

type View = { path: () => string; heading: string | RegExp; isSignedOut?: boolean };

async function settled(page: Page, { heading }: View): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await eventually(async () => expect(await page.locator(".is-loading").count()).toBe(0), {
    within: visitorTimeoutMs,
  });
  const arePicturesLoaded = () =>
    [...document.images].every(({ complete, y }) => complete || y > innerHeight);
  await eventually(async () => expect(await page.evaluate(arePicturesLoaded)).toBe(true), {
    within: visitorTimeoutMs,
  });
  await finishAnimations(page);
}

/** Waits for the end of animations: axe cannot judge a colour that changes. */
const finishAnimations = (page: Page) =>
  page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  );

describe("every view", () => {
  const shots = {
    phone: { width: 360, height: 740 },
    tablet: { width: 768, height: 1024 },
    desktop: { width: 1280, height: 900 },
  };
  type Device = keyof typeof shots;

  /** The faults of all views. Axe runs on one device, because its results differ little between devices. */
  async function faultsIn(colorScheme: "light" | "dark", axeOn: Device): Promise<string[]> {
    const options = { colorScheme, viewport: shots.desktop, reducedMotion: "reduce" } as const;
    const visitor = await Visitor.open(browser, market.api, { ...options, as: alice });
    const signedOut = await Visitor.open(browser, market.api, options);
    const faults: string[] = [];
    for (const [name, view] of Object.entries(views) as [string, View][]) {
      const { page } = view.isSignedOut ? signedOut : visitor;
      await page.goto(market.api + view.path());
      if (!view.isSignedOut) await inboxWith(page, 1);
      await settled(page, view);
      for (const [device, size] of Object.entries(shots)) {
        await page.setViewportSize(size);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (over > 0) faults.push(`${name} on a ${device}: ${over} pixels too wide`);
        await page.screenshot({ path: join(screenshots, `${name} ${device} ${colorScheme}.png`) });
        if (device === axeOn)
          faults.push(
            ...(await violations(page)).map((violation) => `${name} on a ${device}: ${violation}`),
          );
      }
    }
    await Promise.all([visitor.close(), signedOut.close()]);
    return faults;
  }

  it.each([
    ["light", "desktop"],
    ["dark", "phone"],
  ] as const)(
    "in the %s theme, breaks no axe rule on a %s, fits on every device, and logs no errors",
    async (theme, device) => expect(await faultsIn(theme, device)).toEqual([]),
    900_000,
  );
});

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new axe({ page }).analyze();
  return violations.map(
    ({ id, nodes }) => `${id} at ${nodes.map(({ target }) => String(target)).join(", ")}`,
  );
}

describe("temporary content breaks no axe rule in either theme", () => {
  const violationsInBothThemes = async (page: Page) => {
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await finishAnimations(page);
      found.push(...(await violations(page)));
    }
    return found;
  };

  it("a form with errors", async () => {
    const visitor = await Visitor.open(browser, market.api);
    await visitor.visit("/shop/register");
    await visitor.page.getByRole("button", { name: "Create account" }).click();
    await showsText(visitor.page, "Enter your name.");
    expect(
      await visitor.page.evaluate(() => (document.activeElement as HTMLInputElement).name),
    ).toBe("name");
    expect(await violationsInBothThemes(visitor.page)).toEqual([]);
    await visitor.close();
  });

  it("the dialog before an item is removed", async () => {
    const visitor = await Visitor.open(browser, market.api, { as: alice });
    await visitor.visit(`/shop/items/${items.own}`);
    await visitor.page.getByRole("button", { name: "Remove" }).click();
    await showsText(visitor.page, "Remove this item?");
    expect(await violationsInBothThemes(visitor.page)).toEqual([]);
    await visitor.close();
  });

  it("a purchase and the seller's toast", async () => {
    const [seller, buyer] = await Promise.all([
      Client.registered(market.api),
      Client.registered(market.api),
    ]);
    const { id, title } = await seller.offer({ title: "A fan of feathers" });
    const sellerVisitor = await Visitor.open(browser, market.api, { as: seller });
    await sellerVisitor.visit("/shop/inbox");
    await inboxWith(sellerVisitor.page, 0);
    const buyerVisitor = await Visitor.open(browser, market.api, { as: buyer });
    await buyerVisitor.visit(`/shop/items/${id}`);
    await buyerVisitor.page.getByRole("button", { name: /^Buy/ }).click();
    await showsText(buyerVisitor.page, "You bought this item.");
    await toastOf(sellerVisitor.page, title).hover();
    expect([
      await violationsInBothThemes(buyerVisitor.page),
      await violationsInBothThemes(sellerVisitor.page),
    ]).toEqual([[], []]);
    await Promise.all([buyerVisitor.close(), sellerVisitor.close()]);
  });

  it("the outage notice and a list that cannot be loaded", async () => {
    const visitor = await Visitor.open(browser, market.api);
    const services = {
      api: "up",
      market: "unreachable",
      users: "database unreachable",
      notifications: "unreachable",
    };
    await visitor.page.route("**/health/ready", (route) =>
      route.fulfill({ status: 503, json: { status: "not ready", services } }),
    );
    await visitor.page.route("**/market/items?*", (route) =>
      route.fulfill({
        status: 503,
        json: { code: "UNAVAILABLE", detail: "Unavailable.", status: 503 },
      }),
    );
    await visitor.visit("/");
    await showsText(visitor.page.locator("main"), "The market is not available at the moment.");
    await showsText(visitor.page, "Live updates are paused.");
    expect(await violationsInBothThemes(visitor.page)).toEqual([]);
    await visitor.close();
  });
});

describe("the page", () => {
  it("has a description, an icon and a manifest, and in every view a title and one h1", async () => {
    const visitor = await Visitor.open(browser, market.api, { as: alice });
    const titles = new Set<string>();
    for (const view of [
      views.market,
      views.item,
      views.sell,
      views.sales,
      views.purchases,
      views.inbox,
    ]) {
      await visitor.visit(view.path());
      await settled(visitor.page, view);
      titles.add(await visitor.page.title());
      expect(await visitor.page.getByRole("heading", { level: 1 }).count()).toBe(1);
    }
    expect(titles.size).toBe(6);
    expect(await visitor.page.locator("html").getAttribute("lang")).toBe("en");
    expect(await visitor.page.locator("meta[name=description]").getAttribute("content")).toMatch(
      /sold once/,
    );
    for (const rel of ["icon", "manifest"]) {
      const href = await visitor.page.locator(`link[rel=${rel}]`).getAttribute("href");
      expect((await fetch(market.api + href)).status).toBe(200);
    }
    await visitor.close();
  });

  it("has the title of its heading as soon as the heading is rendered", async () => {
    const visitor = await Visitor.open(browser, market.api);
    await visitor.context.addInitScript(() => {
      const headings: [string, string][] = [];
      Object.assign(window, { headings });
      const look = () => {
        const heading = document.querySelector("h1")?.textContent;
        if (heading && heading !== headings.at(-1)?.[0]) headings.push([heading, document.title]);
      };
      new MutationObserver(look).observe(document, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    });
    await visitor.visit(views.item.path());
    await settled(visitor.page, views.item);
    const headings = await visitor.page.evaluate(
      () => (window as unknown as { headings: [string, string][] }).headings,
    );
    expect(headings.at(-1)).toEqual(["Indigo wool rug", "Indigo wool rug · Souk"]);
    await visitor.close();
  });

  it("sends less than 60 KB of script over the wire", async () => {
    const visitor = await Visitor.open(browser, market.api);
    const session = await visitor.context.newCDPSession(visitor.page);
    await session.send("Network.enable");
    const scripts = new Set<string>();
    let bytes = 0;
    session.on(
      "Network.responseReceived",
      ({ requestId, type }) => void (type === "Script" && scripts.add(requestId)),
    );
    session.on(
      "Network.loadingFinished",
      ({ requestId, encodedDataLength }) =>
        void (scripts.has(requestId) && (bytes += encodedDataLength)),
    );
    await visitor.visit("/");
    await settled(visitor.page, views.market);

    expect(scripts.size).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(60 * 1024);
    await visitor.close();
  });

  it("shows skeletons on a slow network, and moves nothing when the content arrives", async () => {
    const visitor = await Visitor.open(browser, market.api, {
      as: alice,
      viewport: { width: 390, height: 844 },
    });
    await visitor.context.addInitScript(() => {
      const shifts = { sum: 0 };
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number }[])
          shifts.sum += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    const session = await visitor.context.newCDPSession(visitor.page);
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 300,
      downloadThroughput: 60_000,
      uploadThroughput: 20_000,
    });
    const shifted: string[] = [];
    for (const name of [
      "market",
      "search",
      "item",
      "own item",
      "sell",
      "sales",
      "offers",
      "inbox",
    ] as const) {
      // From the first byte on, because the skeleton disappears when the content arrives.
      await visitor.page.goto(market.api + views[name].path(), { waitUntil: "commit" });
      await visitor.page.locator(".is-loading").first().waitFor();
      await settled(visitor.page, views[name]);
      await inboxWith(visitor.page, 1);
      const { sum } = await visitor.page.evaluate(
        () => (window as unknown as { shifts: { sum: number } }).shifts,
      );
      if (sum > 0.02) shifted.push(`${name}: ${sum.toFixed(3)}`);
    }
    expect(shifted).toEqual([]);
    await visitor.close();
  });

  it("keeps the buy button on the screen and the layout intact with the longest texts", async () => {
    const seller = await Client.registered(market.api);
    const longest = {
      title: "W".repeat(200),
      price: 1_000_000_000,
      description: "w".repeat(5_000),
    };
    const [{ id }, sold] = [await seller.offer(longest), await seller.offer(longest)];
    await alice.call("POST", `/market/buy/${sold.id}`);
    const visitor = await Visitor.open(browser, market.api, {
      viewport: { width: 1280, height: 900 },
    });
    const { page } = visitor;
    const tooWide = () =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );

    await visitor.visit(`/shop/items/${id}`);
    const { y, height } = (await page
      .getByRole("button", { name: /^Buy W+ for €10,000,000.00$/ })
      .boundingBox())!;
    expect(y + height).toBeLessThan(900);
    for (const size of [
      { width: 320, height: 568 },
      { width: 390, height: 844 },
    ]) {
      await page.setViewportSize(size);
      expect(await tooWide()).toBe(0);
      for (const place of [0, 0.5]) {
        await page.evaluate((share) => scrollTo(0, share * document.body.scrollHeight), place);
        const isOnTop = await page.getByRole("button", { name: /^Buy W+/ }).evaluate((button) => {
          const { x, y, width, height } = button.getBoundingClientRect();
          return document.elementFromPoint(x + width / 2, y + height - 1) === button;
        });
        expect({ ...size, place, isOnTop }).toEqual({ ...size, place, isOnTop: true });
      }
    }
    await page.setViewportSize({ width: 320, height: 700 });
    await visitor.visit(`/shop/sellers/${seller.id}`);
    await page.locator(".card .sold-badge").waitFor();
    expect(await tooWide()).toBe(0);
    await visitor.close();
  });

  it("aligns the prices in a row of cards when one card shows a message", async () => {
    const seller = await Client.registered(market.api);
    for (const title of [
      "A thimble",
      "A needle",
      "A spool of thread that is longer than the titles of the others are",
    ])
      await seller.offer({ title });
    const visitor = await Visitor.open(browser, market.api, {
      as: alice,
      viewport: { width: 1280, height: 900 },
    });
    const { page } = visitor;
    await page.route("**/market/buy/*", (route) =>
      route.fulfill({
        status: 503,
        json: { code: "UNAVAILABLE", detail: "Unavailable.", status: 503 },
      }),
    );
    await visitor.visit(`/shop/sellers/${seller.id}`);
    await page.getByRole("button", { name: "Buy A needle" }).click();

    await page.getByRole("button", { name: "Try again to buy A needle" }).waitFor();
    await showsText(page, "The market is not available. Try again");
    await finishAnimations(page);
    const tops = await page
      .locator(".card .price")
      .evaluateAll((all) => all.map((price) => Math.round(price.getBoundingClientRect().top)));
    expect(new Set(tops).size).toBe(1);
    await visitor.close();
  });

  it("respects prefers-reduced-motion", async () => {
    const visitor = await Visitor.open(browser, market.api, { reducedMotion: "reduce" });
    await visitor.visit("/");
    await settled(visitor.page, views.market);
    const longest = await visitor.page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll("*")].map(
          (element) => parseFloat(getComputedStyle(element).animationDuration) || 0,
        ),
      ),
    );
    expect(longest).toBeLessThan(0.01);
    await visitor.close();
  });

  it("has touch targets that are large enough", async () => {
    const visitor = await Visitor.open(browser, market.api, {
      as: alice,
      viewport: { width: 360, height: 740 },
      hasTouch: true,
    });
    const small: string[] = [];
    for (const view of [views.market, views.item, views.inbox, views.sell]) {
      await visitor.visit(view.path());
      await settled(visitor.page, view);
      small.push(
        ...(await visitor.page.evaluate(() =>
          [
            ...document.querySelectorAll<HTMLElement>(
              "button, select, input:not([type=checkbox]), .main-nav a, .account-nav a, .logo, .tabs a, .back-link, .button",
            ),
          ]
            .filter(
              (element) =>
                element.checkVisibility() && !element.classList.contains("visually-hidden"),
            )
            .filter(
              (element) =>
                element.getBoundingClientRect().height < 42 ||
                element.getBoundingClientRect().width < 42,
            )
            .map((element) => `${location.pathname} ${element.outerHTML.slice(0, 80)}`),
        )),
      );
    }
    expect(small).toEqual([]);
    await visitor.close();
  });
});
