import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket, type Market } from "../support/market.ts";
import { openBrowser, patience, rings, sees, toastOf, Visitor } from "./support/browser.ts";

import.meta.jest.setTimeout(120_000);

/** What the views look like; not kept by git. */
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

/** Every view, and what says that it is there. */
const views = {
  market: { path: () => "/", heading: "One of each." },
  search: { path: () => "/?search=lan", heading: "Search: lan" },
  "search without a result": { path: () => "/?search=zzz", heading: "Search: zzz" },
  item: { path: () => "/shop/items/2", heading: "Indigo wool rug" },
  "own item": { path: () => `/shop/items/${items.own}`, heading: "Mint tea, a tin of it" },
  "sold item": { path: () => `/shop/items/${items.sold}`, heading: "Amber necklace" },
  "no such item": { path: () => "/shop/items/none", heading: "No such item" },
  seller: { path: () => "/shop/sellers/bob", heading: "The stall of Bob" },
  sell: { path: () => "/shop/sell", heading: "Offer an item" },
  revise: { path: () => `/shop/items/${items.own}/edit`, heading: "Revise your offer" },
  sales: { path: () => "/shop/sales", heading: "My sales" },
  offers: { path: () => "/shop/sales?show=offers", heading: "My sales" },
  purchases: { path: () => "/shop/purchases", heading: "My purchases" },
  inbox: { path: () => "/shop/inbox", heading: "Inbox" },
  account: { path: () => "/shop/account", heading: /^user-/ },
  nowhere: { path: () => "/shop/nowhere", heading: "Nothing here" },
  "sign-in": { path: () => "/shop/sign-in", heading: "Sign in", isStranger: true },
  register: { path: () => "/shop/register", heading: "Join the market", isStranger: true },
} as const;

type View = { path: () => string; heading: string | RegExp; isStranger?: boolean };

async function settled(page: Page, { heading }: View): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await eventually(async () => expect(await page.locator(".is-coming").count()).toBe(0), {
    within: patience,
  });
  const isDrawn = () =>
    [...document.images].every(({ complete, y }) => complete || y > innerHeight);
  await eventually(async () => expect(await page.evaluate(isDrawn)).toBe(true), {
    within: patience,
  });
  await still(page);
}

/** A colour that is on its way to another is neither. */
const still = (page: Page) =>
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

  /** What is wrong with them. What axe looks at differs little between devices: it is asked on one of them. */
  async function wrongIn(colorScheme: "light" | "dark", axeOn: Device): Promise<string[]> {
    const options = { colorScheme, viewport: shots.desktop, reducedMotion: "reduce" } as const;
    const visitor = await Visitor.arrives(browser, market.api, { ...options, as: alice });
    const stranger = await Visitor.arrives(browser, market.api, options);
    const wrong: string[] = [];
    for (const [name, view] of Object.entries(views) as [string, View][]) {
      const { page } = view.isStranger ? stranger : visitor;
      await page.goto(market.api + view.path());
      if (!view.isStranger) await rings(page, 1);
      await settled(page, view);
      for (const [device, size] of Object.entries(shots)) {
        await page.setViewportSize(size);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (over > 0) wrong.push(`${name} on a ${device}: ${over} pixels too wide`);
        await page.screenshot({ path: join(screenshots, `${name} ${device} ${colorScheme}.png`) });
        if (device === axeOn)
          wrong.push(
            ...(await violations(page)).map((violation) => `${name} on a ${device}: ${violation}`),
          );
      }
    }
    await Promise.all([visitor.leaves(), stranger.leaves()]);
    return wrong;
  }

  it("breaks no rule of axe's in either theme, fits on phone, tablet and desktop, and says nothing in the console", async () => {
    expect(await Promise.all([wrongIn("light", "desktop"), wrongIn("dark", "phone")])).toEqual([
      [],
      [],
    ]);
  });
});

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new axe({ page }).analyze();
  return violations.map(
    ({ id, nodes }) => `${id} at ${nodes.map(({ target }) => String(target)).join(", ")}`,
  );
}

describe("what comes and goes breaks no rule of axe's in either theme", () => {
  const broken = async (page: Page) => {
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await still(page);
      found.push(...(await violations(page)));
    }
    return found;
  };

  it("a form that is filled in wrong", async () => {
    const visitor = await Visitor.arrives(browser, market.api);
    await visitor.visits("/shop/register");
    await visitor.page.getByRole("button", { name: "Join" }).click();
    await sees(visitor.page, "What shall others call you?");
    expect(
      await visitor.page.evaluate(() => (document.activeElement as HTMLInputElement).name),
    ).toBe("name");
    expect(await broken(visitor.page)).toEqual([]);
    await visitor.leaves();
  });

  it("a question before something is withdrawn", async () => {
    const visitor = await Visitor.arrives(browser, market.api, { as: alice });
    await visitor.visits(`/shop/items/${items.own}`);
    await visitor.page.getByRole("button", { name: "Withdraw" }).click();
    await sees(visitor.page, "Withdraw this item?");
    expect(await broken(visitor.page)).toEqual([]);
    await visitor.leaves();
  });

  it("a purchase, and the toast that the seller sees", async () => {
    const [seller, buyer] = await Promise.all([
      Client.registered(market.api),
      Client.registered(market.api),
    ]);
    const { id, title } = await seller.offer({ title: "A fan of feathers" });
    const theirs = await Visitor.arrives(browser, market.api, { as: seller });
    await theirs.visits("/shop/inbox");
    await rings(theirs.page, 0);
    const mine = await Visitor.arrives(browser, market.api, { as: buyer });
    await mine.visits(`/shop/items/${id}`);
    await mine.page.getByRole("button", { name: /^Buy/ }).click();
    await sees(mine.page, "It is yours.");
    await toastOf(theirs.page, title).hover();
    expect([await broken(mine.page), await broken(theirs.page)]).toEqual([[], []]);
    await Promise.all([mine.leaves(), theirs.leaves()]);
  });

  it("what is said while parts are away, and a list that cannot be loaded", async () => {
    const visitor = await Visitor.arrives(browser, market.api);
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
      route.fulfill({ status: 503, json: { code: "UNAVAILABLE", detail: "away", status: 503 } }),
    );
    await visitor.visits("/");
    await sees(visitor.page.locator("main"), "The market is away for a moment.");
    await sees(visitor.page, "Live updates paused.");
    expect(await broken(visitor.page)).toEqual([]);
    await visitor.leaves();
  });
});

describe("the page", () => {
  it("has a title for every view, a description, an icon, a manifest, and one heading of the first rank", async () => {
    const visitor = await Visitor.arrives(browser, market.api, { as: alice });
    const titles = new Set<string>();
    for (const view of [
      views.market,
      views.item,
      views.sell,
      views.sales,
      views.purchases,
      views.inbox,
    ]) {
      await visitor.visits(view.path());
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
    await visitor.leaves();
  });

  it("is called what its heading says from the moment on in which that is there", async () => {
    const visitor = await Visitor.arrives(browser, market.api);
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
    await visitor.visits(views.item.path());
    await settled(visitor.page, views.item);
    const headings = await visitor.page.evaluate(
      () => (window as unknown as { headings: [string, string][] }).headings,
    );
    expect(headings.at(-1)).toEqual(["Indigo wool rug", "Indigo wool rug · Souk"]);
    await visitor.leaves();
  });

  it("sends less than 60 KB of script over the wire", async () => {
    const visitor = await Visitor.arrives(browser, market.api);
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
    await visitor.visits("/");
    await settled(visitor.page, views.market);

    expect(scripts.size).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(60 * 1024);
    await visitor.leaves();
  });

  it("shows on a slow network where everything will be, and nothing jumps when it comes", async () => {
    const visitor = await Visitor.arrives(browser, market.api, {
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
    const jumps: string[] = [];
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
      // Looked for from the first byte on: it is there for no longer than the slow network takes.
      await visitor.page.goto(market.api + views[name].path(), { waitUntil: "commit" });
      await visitor.page.locator(".is-coming").first().waitFor();
      await settled(visitor.page, views[name]);
      await rings(visitor.page, 1);
      const { sum } = await visitor.page.evaluate(
        () => (window as unknown as { shifts: { sum: number } }).shifts,
      );
      if (sum > 0.02) jumps.push(`${name}: ${sum.toFixed(3)}`);
    }
    expect(jumps).toEqual([]);
    await visitor.leaves();
  });

  it("keeps the button to buy in sight, and everything in its room, however much a seller writes", async () => {
    const seller = await Client.registered(market.api);
    const longest = {
      title: "W".repeat(200),
      price: 1_000_000_000,
      description: "w".repeat(5_000),
    };
    const [{ id }, sold] = [await seller.offer(longest), await seller.offer(longest)];
    await alice.call("POST", `/market/buy/${sold.id}`);
    const visitor = await Visitor.arrives(browser, market.api, {
      viewport: { width: 1280, height: 900 },
    });
    const { page } = visitor;
    const tooWide = () =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );

    await visitor.visits(`/shop/items/${id}`);
    const { y, height } = (await page
      .getByRole("button", { name: /^Buy W+ for €10,000,000.00$/ })
      .boundingBox())!;
    expect(y + height).toBeLessThan(900);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await tooWide()).toBe(0);
    await visitor.visits(`/shop/sellers/${seller.id}`);
    await page.locator(".card .stamp").waitFor();
    expect(await tooWide()).toBe(0);
    await visitor.leaves();
  });

  it("begins the prices of a row at one height, also when one of its cards has more to say", async () => {
    const seller = await Client.registered(market.api);
    for (const title of [
      "A thimble",
      "A needle",
      "A spool of thread that is longer than the titles of the others are",
    ])
      await seller.offer({ title });
    const visitor = await Visitor.arrives(browser, market.api, {
      as: alice,
      viewport: { width: 1280, height: 900 },
    });
    const { page } = visitor;
    await page.route("**/market/buy/*", (route) =>
      route.fulfill({ status: 503, json: { code: "UNAVAILABLE", detail: "away", status: 503 } }),
    );
    await visitor.visits(`/shop/sellers/${seller.id}`);
    await page.getByRole("button", { name: "Buy A needle" }).click();

    await page.getByRole("button", { name: "Try again to buy A needle" }).waitFor();
    await sees(page, "The market is away. Try again");
    await still(page);
    const tops = await page
      .locator(".card .price")
      .evaluateAll((all) => all.map((price) => Math.round(price.getBoundingClientRect().top)));
    expect(new Set(tops).size).toBe(1);
    await visitor.leaves();
  });

  it("keeps still for those who ask for it", async () => {
    const visitor = await Visitor.arrives(browser, market.api, { reducedMotion: "reduce" });
    await visitor.visits("/");
    await settled(visitor.page, views.market);
    const longest = await visitor.page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll("*")].map(
          (element) => parseFloat(getComputedStyle(element).animationDuration) || 0,
        ),
      ),
    );
    expect(longest).toBeLessThan(0.01);
    await visitor.leaves();
  });

  it("is big enough for a thumb", async () => {
    const visitor = await Visitor.arrives(browser, market.api, {
      as: alice,
      viewport: { width: 360, height: 740 },
      hasTouch: true,
    });
    const small: string[] = [];
    for (const view of [views.market, views.item, views.inbox, views.sell]) {
      await visitor.visits(view.path());
      await settled(visitor.page, view);
      small.push(
        ...(await visitor.page.evaluate(() =>
          [
            ...document.querySelectorAll<HTMLElement>(
              "button, select, input:not([type=checkbox]), .places a, .doors a, .logo, .tabs a, .back, .button",
            ),
          ]
            .filter((element) => element.checkVisibility() && !element.classList.contains("unseen"))
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
    await visitor.leaves();
  });
});
