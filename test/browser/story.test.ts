import type { Browser, Request } from "playwright-core";
import type { Item } from "../../contracts/market.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { gate } from "../support/gate.ts";
import { startMarket, type Market } from "../support/market.ts";
import { startNode } from "../../bin/processes/node-process.ts";
import {
  disappears,
  openBrowser,
  outageErrors,
  visitorTimeoutMs,
  inboxWith,
  showsText,
  toastOf,
  Visitor,
} from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

let browser: Browser;
let market: Market;
const openVisitor = (options: Parameters<typeof Visitor.open>[2] = {}) =>
  Visitor.open(browser, market.api, options);
const newUser = () => Client.registered(market.api);
let titles = 0;
/** A unique title. */
const newTitle = (what: string) => `${what} no. ${++titles} ${"abcdefgh"[titles % 8]}`;

beforeAll(async () => {
  [browser, market] = await Promise.all([openBrowser(), startMarket()]);
});

afterAll(async () => {
  await browser?.close();
  await market?.close();
});

describe("offering and buying", () => {
  it("a seller offers an item, a new user finds and buys it, and both tabs of the seller show it immediately", async () => {
    const seller = await openVisitor({ as: await newUser() });
    const title = newTitle("Camel bell");
    await seller.visit("/shop/sell");
    await seller.page.getByLabel("Title").fill(title);
    await seller.page.getByLabel("Price in EUR").fill("1,234.50");
    await seller.page.getByRole("button", { name: "Put up for sale" }).click();
    await seller.page.getByRole("heading", { name: title }).waitFor();
    const second = await seller.visit("/", await seller.tab());
    await inboxWith(second, 0);

    const buyer = await openVisitor();
    await buyer.visit("/");
    await buyer.page.getByRole("link", { name: "Sign in" }).click();
    await buyer.page.getByRole("link", { name: "Create an account" }).click();
    await buyer.page.getByLabel("Name").fill("Nour");
    await buyer.page.getByLabel("Email address").fill(`nour-${Date.now()}@souk.test`);
    await buyer.page.getByLabel("Password", { exact: true }).fill("correct horse battery");
    await buyer.page.getByRole("button", { name: "Create account" }).click();
    await showsText(buyer.page, "Nour");
    await buyer.page.getByRole("searchbox").fill(title);
    await buyer.page.getByRole("searchbox").press("Enter");
    await showsText(buyer.page, "€1,234.50");
    await buyer.page.getByRole("button", { name: `Buy ${title} for €1,234.50` }).click();
    await showsText(buyer.page, "You bought this item.");

    for (const tab of [seller.page, second]) {
      await showsText(toastOf(tab, title), "sold for €1,234.50");
      await inboxWith(tab, 1);
    }
    // The open view of the item is updated, too.
    await showsText(seller.page.locator(".item"), /^Sold$/);

    // The toast stays while the pointer is on it.
    await toastOf(seller.page, title).hover();
    await (await inboxWith(second, 1)).click();
    await second.getByRole("button", { name: `Mark as read: ${title}` }).click();
    for (const tab of [seller.page, second]) await inboxWith(tab, 0);
    await disappears(toastOf(seller.page, title));

    await buyer.page.getByRole("link", { name: "Purchases", exact: true }).click();
    await showsText(buyer.page.locator("main"), title);
    await seller.visit("/shop/sales");
    await showsText(seller.page.locator("main"), title);
    await showsText(seller.page.locator("main"), "Nour");
    await seller.page.goto(`${market.api}/shop/inbox?show=earlier`);
    await showsText(seller.page.locator("main"), title);
    await Promise.all([seller.close(), buyer.close()]);
  });

  it("a seller edits and withdraws an item", async () => {
    const client = await newUser();
    const { id } = await client.offer({ title: newTitle("Tin cup") });
    const seller = await openVisitor({ as: client });
    await seller.visit(`/shop/items/${id}`);
    await seller.page.getByRole("link", { name: "Edit" }).click();
    await seller.page.getByLabel("Price in EUR").fill("nothing");
    await seller.page.getByRole("button", { name: "Save changes" }).click();
    await showsText(seller.page, "Enter the price as a number, for example 45.00.");
    await seller.page.getByLabel("Price in EUR").fill("7");
    await seller.page.getByRole("button", { name: "Save changes" }).click();
    await showsText(seller.page, "€7.00");

    // "1.000" may be a thousand, or one with three decimal places.
    await seller.page.getByRole("link", { name: "Edit" }).click();
    await seller.page.getByLabel("Price in EUR").fill("1.000");
    await seller.page.getByRole("button", { name: "Save changes" }).click();
    await showsText(seller.page, "Choose the price that you mean.");
    await seller.page.getByRole("button", { name: "€1,000.00" }).click();
    expect(await seller.page.getByRole("button", { name: "€1,000.00" }).count()).toBe(0);
    await seller.page.getByRole("button", { name: "Save changes" }).click();
    await showsText(seller.page, "€1,000.00");

    await seller.page.getByRole("button", { name: "Remove" }).click();
    await seller.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await showsText(seller.page, "For sale");
    await seller.visit(`/shop/items/${id}`);
    await showsText(seller.page, "This item does not exist, or its seller has removed it.");
    await seller.close();
  });
});

describe("a purchase", () => {
  it("ends in one sentence when the item is sold, repriced, changed, removed, or your own", async () => {
    const [seller, client, rival] = [await newUser(), await newUser(), await newUser()];
    const [wanted, dearer, swapped, gone] = [
      await seller.offer(),
      await seller.offer({ title: newTitle("Ladle") }),
      await seller.offer({ title: newTitle("Sealed box") }),
      await seller.offer(),
    ];
    const buyer = await openVisitor({ as: client });
    const main = buyer.page.locator("main");

    await buyer.visit(`/shop/items/${wanted.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await rival.call("POST", `/market/buy/${wanted.id}`);
    await main.getByRole("button", { name: /^Buy/ }).click();
    await showsText(main, "Another buyer was faster: the item is sold.");

    await buyer.visit(`/shop/items/${dearer.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await seller.call("PATCH", `/market/items/${dearer.id}`, { price: 9900 });
    await main.getByRole("button", { name: /^Buy/ }).click();
    await showsText(main, "The price has changed to €99.00.");
    await main.getByRole("button", { name: `Buy for €99.00: ${dearer.title}` }).click();
    await showsText(main, "You bought this item.");

    await buyer.visit(`/shop/items/${swapped.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    const { body: other } = await seller.call<Item>("PATCH", `/market/items/${swapped.id}`, {
      title: newTitle("Empty box"),
    });
    await main.getByRole("button", { name: /^Buy/ }).click();
    await showsText(main, "The seller has changed this item. Look at it again before you buy.");
    await showsText(main, other.title);
    await main.getByRole("button", { name: `Buy ${other.title}` }).click();
    await showsText(main, "You bought this item.");

    await buyer.visit(`/shop/items/${gone.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await seller.call("DELETE", `/market/items/${gone.id}`);
    await main.getByRole("button", { name: /^Buy/ }).click();
    await showsText(main, "The seller has removed this item.");

    const own = await client.offer();
    await buyer.visit(`/shop/items/${own.id}`);
    await showsText(main, "This is your item.");
    expect(await main.getByRole("button", { name: /^Buy/ }).count()).toBe(0);
    await buyer.close();
  });

  it("is not offered for a sold item", async () => {
    const [seller, rival] = [await newUser(), await newUser()];
    const { id } = await seller.offer();
    await rival.call("POST", `/market/buy/${id}`);
    const visitor = await openVisitor();
    await visitor.visit(`/shop/items/${id}`);
    await showsText(visitor.page.locator(".item"), /^Sold$/);
    expect(await visitor.page.locator("main").getByRole("button").count()).toBe(0);
    await visitor.close();
  });

  it("works with the keyboard only, including signing in", async () => {
    const [seller, client] = [await newUser(), await newUser()];
    const title = newTitle("Keyring");
    await seller.offer({ title });
    const buyer = await openVisitor();
    const { keyboard } = await buyer.visit("/");
    const focused = () =>
      buyer.page.evaluate(
        () =>
          (document.activeElement as HTMLElement).getAttribute("aria-label") ??
          (document.activeElement as HTMLElement).innerText,
      );
    const tabTo = async (name: RegExp) => {
      for (let n = 0; n < 60 && !name.test(await focused()); n++) await keyboard.press("Tab");
      expect(await focused()).toMatch(name);
    };
    await showsText(buyer.page, title);

    await keyboard.press("Tab");
    expect(await focused()).toBe("Skip to content");
    await keyboard.press("Enter");
    await tabTo(new RegExp(`^Buy ${title}`));
    await keyboard.press("Enter");
    await buyer.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await buyer.page.locator("input[name=email]:focus").waitFor();
    await keyboard.type(client.session!.user.email);
    await keyboard.press("Tab");
    await keyboard.type("correct horse battery");
    await keyboard.press("Enter");
    await buyer.page.getByRole("heading", { name: title }).waitFor();
    await tabTo(new RegExp(`^Buy ${title}`));
    await keyboard.press("Enter");
    await showsText(buyer.page, "You bought this item.");
    // The message replaces the button and takes its focus.
    await eventually(async () => expect(await focused()).toMatch(/^You bought this item/), {
      within: visitorTimeoutMs,
    });
    await buyer.close();
  });
});

describe("navigation", () => {
  it("restores the list and its scroll position with the back button", async () => {
    const seller = await newUser();
    for (let n = 0; n < 30; n++) await seller.offer({ title: `Stone ${n}` });
    const visitor = await openVisitor({ viewport: { width: 900, height: 700 } });
    const { page } = visitor;
    await visitor.visit("/?sort=price");
    await page.getByRole("link", { name: "Stone" }).first().waitFor();
    await eventually(
      async () => {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        expect(await page.locator(".cards > li").count()).toBeGreaterThan(30);
      },
      { within: visitorTimeoutMs, every: 200 },
    );
    const far = page.locator(".cards > li").nth(28);
    await far.scrollIntoViewIfNeeded();
    const y = await page.evaluate(() => scrollY);
    expect(y).toBeGreaterThan(500);

    await far.getByRole("link").first().click();
    await page.locator(".item").waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await eventually(
      async () => expect(Math.abs((await page.evaluate(() => scrollY)) - y)).toBeLessThan(5),
      { within: visitorTimeoutMs },
    );
    expect(await page.locator(".cards > li").count()).toBeGreaterThan(30);
    expect(await page.getByRole("combobox", { name: "Sort" }).inputValue()).toBe("price");
    await visitor.close();
  });

  it("asks for sign-in before a view that needs a user, and then shows it", async () => {
    const client = await newUser();
    const visitor = await openVisitor();
    await visitor.visit("/shop/sales?show=offers");
    await visitor.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await visitor.signIn(client);
    await visitor.page.getByRole("heading", { name: "My sales" }).waitFor();
    expect(visitor.page.url()).toBe(`${market.api}/shop/sales?show=offers`);

    await visitor.page.getByRole("link", { name: /^Your account/ }).click();
    await visitor.page.getByRole("button", { name: "Sign out" }).click();
    await visitor.page.getByRole("link", { name: "Sign in" }).waitFor();
    expect(await visitor.page.evaluate(() => localStorage.getItem("souk.refreshToken"))).toBeNull();
    await visitor.close();
  });

  it("never redirects to another site after signing in", async () => {
    const client = await newUser();
    for (const to of [
      "//evil.example/",
      "https://evil.example/",
      "/\\evil.example",
      "javascript:alert(1)",
      "/shop/../../\\evil.example",
    ]) {
      const visitor = await openVisitor();
      await visitor.visit(`/shop/sign-in?to=${encodeURIComponent(to)}`);
      await visitor.signIn(client);
      await visitor.page.getByRole("heading", { name: "One of each." }).waitFor();
      expect(visitor.page.url()).toBe(`${market.api}/`);
      await visitor.close();
    }
  });
});

describe("a session", () => {
  const tokenIn = (refresh: Request) =>
    (refresh.postDataJSON() as { refreshToken: string }).refreshToken;

  it("continues when two tabs reload together several times, and sends no token twice", async () => {
    const visitor = await openVisitor({ as: await newUser() });
    const sent: string[] = [];
    visitor.context.on(
      "request",
      (request) => void (request.url().endsWith("/users/refresh") && sent.push(tokenIn(request))),
    );
    const [one, two] = [visitor.page, await visitor.tab()];
    for (let n = 0; n < 4; n++) {
      await Promise.all([visitor.visit("/shop/purchases", one), visitor.visit("/shop/sales", two)]);
      await Promise.all([inboxWith(one, 0), inboxWith(two, 0)]);
    }
    expect(sent.length).toBeGreaterThanOrEqual(8);
    expect(new Set(sent).size).toBe(sent.length);
    await visitor.close();
  });

  it("continues when the page is closed twice between a renewal on the server and its answer", async () => {
    const visitor = await openVisitor({ as: await newUser() });
    let lost = 0;
    await visitor.context.route(
      "**/users/refresh",
      async (route) => void ((await route.fetch()).ok() && lost++),
      { times: 2 },
    );
    for (const path of ["/shop/purchases", "/shop/sales"]) {
      const before = lost;
      await visitor.visit(path);
      await eventually(() => expect(lost).toBe(before + 1), { within: visitorTimeoutMs });
    }

    await visitor.visit("/shop/inbox");
    await visitor.page.getByRole("heading", { name: "Inbox" }).waitFor();
    await inboxWith(visitor.page, 0);
    await visitor.close();
  });

  it("renews its token without losing the input of a form", async () => {
    const visitor = await openVisitor({ as: await newUser() });
    await visitor.page.clock.install();
    let renewals = 0;
    visitor.page.on(
      "request",
      (request) => void (request.url().endsWith("/users/refresh") && renewals++),
    );
    await visitor.visit("/shop/sell");
    await visitor.page.getByLabel("Title").fill(newTitle("Hourglass"));
    await inboxWith(visitor.page, 0);
    expect(renewals).toBe(1);

    await visitor.page.clock.fastForward("20:00");
    await eventually(() => expect(renewals).toBe(2), { within: visitorTimeoutMs });
    await visitor.page.getByLabel("Price in EUR").fill("5");
    await visitor.page.getByRole("button", { name: "Put up for sale" }).click();
    await visitor.page.getByRole("heading", { name: /Hourglass/ }).waitFor();
    await visitor.close();
  });

  it("ends in every tab when another device ends it, and returns to the view after signing in", async () => {
    const client = await newUser();
    const elsewhere = await market.signedInAgain(client);
    const visitor = await openVisitor({ as: client });
    const second = await visitor.visit("/", await visitor.tab());
    await visitor.visit("/shop/purchases");
    await Promise.all([inboxWith(visitor.page, 0), inboxWith(second, 0)]);

    const newPassword = "another horse battery";
    const { status } = await elsewhere.call("POST", "/users/password", {
      password: "correct horse battery",
      newPassword,
    });
    expect(status).toBe(200);
    await visitor.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await second.getByRole("link", { name: "Sign in" }).waitFor();
    await visitor.signIn(client, visitor.page, newPassword);
    await visitor.page.getByRole("heading", { name: "My purchases" }).waitFor();
    await inboxWith(second, 0);
    await visitor.close();
  });

  it("works until the page is closed where storage is disabled", async () => {
    const [client, seller] = [await newUser(), await newUser()];
    const { id } = await seller.offer();
    const visitor = await openVisitor();
    await visitor.context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException("denied", "SecurityError");
          },
        });
    });
    await visitor.visit(`/shop/items/${id}`);
    await visitor.page.getByRole("button", { name: /^Buy/ }).click();
    await visitor.signIn(client);
    await visitor.page.getByRole("button", { name: /^Buy/ }).click();
    await showsText(visitor.page, "You bought this item.");
    await visitor.page.getByRole("link", { name: /^Inbox/ }).click();
    await visitor.page.getByRole("link", { name: "Notification settings" }).click();
    await visitor.page.getByLabel("Play a sound").check();
    await visitor.close();
  });
});

describe("recovery", () => {
  it("shows notices that were missed while the browser was offline", async () => {
    const [client, buyer] = [await newUser(), await newUser()];
    const { id, title } = await client.offer({ title: newTitle("Umbrella") });
    const seller = await openVisitor({ as: client, allowed: outageErrors });
    await seller.visit("/");
    await inboxWith(seller.page, 0);

    await seller.context.setOffline(true);
    await showsText(seller.page, "You are offline.");
    await buyer.call("POST", `/market/buy/${id}`);
    await seller.context.setOffline(false);

    await inboxWith(seller.page, 1);
    await toastOf(seller.page, title).waitFor();
    await disappears(seller.page.getByText("You are offline."));
    await seller.close();
  });

  it("reconnects after a restart of the server", async () => {
    const own = await startMarket();
    const client = await Client.registered(own.api);
    const { id, title } = await client.offer({ title: newTitle("Phoenix feather") });
    const seller = await Visitor.open(browser, own.api, { as: client, allowed: outageErrors });
    await seller.visit("/shop/sales");
    await inboxWith(seller.page, 0);

    await own.end("SIGTERM");
    await showsText(seller.page, "The market does not respond.");
    const ports = { PORT: new URL(own.api).port, SOCKET_PORT: new URL(own.sockets).port };
    const again = await startNode([], { DATA_DIR: own.dataDir, RATE_SCALE: "1000000", ...ports });
    await disappears(seller.page.getByText("The market does not respond."));

    const buyer = await Client.registered(own.api);
    await buyer.call("POST", `/market/buy/${id}`);
    await inboxWith(seller.page, 1);
    await toastOf(seller.page, title).waitFor();
    await seller.close();
    await again.end("SIGKILL");
    await own.close();
  });
});

describe("hostile items", () => {
  const script = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>`;

  it("show markup in titles as text", async () => {
    const client = await newUser();
    const { id } = await client.offer({
      title: `Free ${script}`,
      description: `${script}\u202Eevil`,
    });
    const visitor = await openVisitor();
    await visitor.visit("/?search=free");
    await showsText(visitor.page, "Free <img src=x");
    await visitor.visit(`/shop/items/${id}`);
    await showsText(visitor.page, "<script>window.ran=1");
    expect(await visitor.page.title()).toContain("Free <img src=x");
    expect(await visitor.page.evaluate(() => "ran" in window)).toBe(false);
    await visitor.close();
  });

  it.each([
    "javascript:window.ran=1",
    "data:image/svg+xml,<svg onload='window.ran=1'/>",
    "//evil.example\\x",
    "blob:nothing",
    "http://[broken",
  ])("never get a picture from %s", async (imageUrl) => {
    const client = await newUser();
    const item = await client.offer();
    const visitor = await openVisitor();
    // The market refuses such a URL, so the answer is replaced.
    await visitor.page.route("**/market/items/*", (route) =>
      route.fulfill({ json: { ...item, imageUrl } }),
    );
    await visitor.page.route(/evil\.example/, (route) => route.abort());
    await visitor.visit(`/shop/items/${item.id}`);
    await visitor.page.locator(".item .picture svg").waitFor();
    expect(await visitor.page.evaluate(() => "ran" in window)).toBe(false);
    // This one is a URL of another site, which fails to load.
    if (imageUrl.startsWith("//")) visitor.errors.length = 0;
    await visitor.close();
  });

  it("get drawn tiles of the same size when their picture cannot be loaded", async () => {
    const client = await newUser();
    const { id } = await client.offer({ imageUrl: "/assets/samples/no-such-picture.svg" });
    const visitor = await openVisitor();
    const picture = visitor.page.locator(".item .picture");
    // The picture loads after the space has been measured.
    const measured = gate();
    await visitor.page.route("**/no-such-picture.svg", async (route) => {
      await measured.opened();
      await route.continue();
    });
    await visitor.visit(`/shop/items/${id}`);
    await picture.locator("img").waitFor({ state: "attached" });
    const box = await picture.boundingBox();
    measured.open();
    await picture.locator("svg").waitFor();
    expect(box).not.toBeNull();
    expect(await picture.boundingBox()).toEqual(box);
    await visitor.close();
  });
});
