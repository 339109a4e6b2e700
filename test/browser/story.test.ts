import type { Browser, Request } from "playwright-core";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { gate } from "../support/gate.ts";
import { startMarket, type Market } from "../support/market.ts";
import { startNode } from "../../bin/processes/node-process.ts";
import {
  goes,
  openBrowser,
  outages,
  patience,
  rings,
  sees,
  toastOf,
  Visitor,
} from "./support/browser.ts";

import.meta.jest.setTimeout(90_000);

let browser: Browser;
let market: Market;
const arrives = (options: Parameters<typeof Visitor.arrives>[2] = {}) =>
  Visitor.arrives(browser, market.api, options);
const somebody = () => Client.registered(market.api);
let titles = 0;
/** A title that nothing else has. */
const newTitle = (what: string) => `${what} no. ${++titles} ${"abcdefgh"[titles % 8]}`;

beforeAll(async () => {
  [browser, market] = await Promise.all([openBrowser(), startMarket()]);
});

afterAll(async () => {
  await browser?.close();
  await market?.close();
});

describe("the story", () => {
  it("somebody offers an item, somebody else registers, finds it and buys it, and both tabs of the seller tell at once", async () => {
    const seller = await arrives({ as: await somebody() });
    const title = newTitle("Camel bell");
    await seller.visits("/shop/sell");
    await seller.page.getByLabel("Title").fill(title);
    await seller.page.getByLabel("Price in EUR").fill("1,234.50");
    await seller.page.getByRole("button", { name: "Offer it" }).click();
    await seller.page.getByRole("heading", { name: title }).waitFor();
    const second = await seller.visits("/", await seller.tab());
    await rings(second, 0);

    const buyer = await arrives();
    await buyer.visits("/");
    await buyer.page.getByRole("link", { name: "Sign in" }).click();
    await buyer.page.getByRole("link", { name: "I have no account" }).click();
    await buyer.page.getByLabel("Name").fill("Nour");
    await buyer.page.getByLabel("E-mail").fill(`nour-${Date.now()}@souk.test`);
    await buyer.page.getByLabel("Password").fill("correct horse battery");
    await buyer.page.getByRole("button", { name: "Join" }).click();
    await sees(buyer.page, "Nour");
    await buyer.page.getByRole("searchbox").fill(title);
    await buyer.page.getByRole("searchbox").press("Enter");
    await sees(buyer.page, "€1,234.50");
    await buyer.page.getByRole("button", { name: `Buy ${title} for €1,234.50` }).click();
    await sees(buyer.page, "It is yours.");

    for (const tab of [seller.page, second]) {
      await sees(toastOf(tab, title), "sold for €1,234.50");
      await rings(tab, 1);
    }
    // What the seller has before their eyes knows of it as well.
    await sees(seller.page.locator(".item"), /^Sold$/);

    // While it is pointed at it does not go by itself.
    await toastOf(seller.page, title).hover();
    await (await rings(second, 1)).click();
    await second.getByRole("button", { name: `Mark as read: ${title}` }).click();
    for (const tab of [seller.page, second]) await rings(tab, 0);
    await goes(toastOf(seller.page, title));

    await buyer.page.getByRole("link", { name: "Purchases", exact: true }).click();
    await sees(buyer.page.locator("main"), title);
    await seller.visits("/shop/sales");
    await sees(seller.page.locator("main"), title);
    await sees(seller.page.locator("main"), "Nour");
    await seller.page.goto(`${market.api}/shop/inbox?show=earlier`);
    await sees(seller.page.locator("main"), title);
    await Promise.all([seller.leaves(), buyer.leaves()]);
  });

  it("revises and withdraws what is on offer", async () => {
    const client = await somebody();
    const { id } = await client.offer({ title: newTitle("Tin cup") });
    const seller = await arrives({ as: client });
    await seller.visits(`/shop/items/${id}`);
    await seller.page.getByRole("link", { name: "Revise" }).click();
    await seller.page.getByLabel("Price in EUR").fill("nothing");
    await seller.page.getByRole("button", { name: "Keep these changes" }).click();
    await sees(seller.page, "This is no price that can be paid here.");
    await seller.page.getByLabel("Price in EUR").fill("7");
    await seller.page.getByRole("button", { name: "Keep these changes" }).click();
    await sees(seller.page, "€7.00");

    await seller.page.getByRole("button", { name: "Withdraw" }).click();
    await seller.page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await sees(seller.page, "On offer");
    await seller.visits(`/shop/items/${id}`);
    await sees(seller.page, "There is no such item, or its seller took it back.");
    await seller.leaves();
  });
});

describe("a purchase ends in one clear sentence", () => {
  it("somebody was faster, the price has changed, it is your own, or its seller took it back", async () => {
    const [seller, client, rival] = [await somebody(), await somebody(), await somebody()];
    const [wanted, dearer, gone] = [
      await seller.offer(),
      await seller.offer({ title: newTitle("Ladle") }),
      await seller.offer(),
    ];
    const buyer = await arrives({ as: client });
    const main = buyer.page.locator("main");

    await buyer.visits(`/shop/items/${wanted.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await rival.call("POST", `/market/buy/${wanted.id}`);
    await main.getByRole("button", { name: /^Buy/ }).click();
    await sees(main, "Somebody was faster: it is sold.");

    await buyer.visits(`/shop/items/${dearer.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await seller.call("PATCH", `/market/items/${dearer.id}`, { price: 9900 });
    await main.getByRole("button", { name: /^Buy/ }).click();
    await sees(main, "The price has changed: it is €99.00 now.");
    await main.getByRole("button", { name: `Buy for €99.00: ${dearer.title}` }).click();
    await sees(main, "It is yours.");

    await buyer.visits(`/shop/items/${gone.id}`);
    await main.getByRole("button", { name: /^Buy/ }).waitFor();
    await seller.call("DELETE", `/market/items/${gone.id}`);
    await main.getByRole("button", { name: /^Buy/ }).click();
    await sees(main, "Its seller took it back.");

    const own = await client.offer();
    await buyer.visits(`/shop/items/${own.id}`);
    await sees(main, "This one is yours.");
    expect(await main.getByRole("button", { name: /^Buy/ }).count()).toBe(0);
    await buyer.leaves();
  });

  it("an old link to a sold item says so and offers nothing to press", async () => {
    const [seller, rival] = [await somebody(), await somebody()];
    const { id } = await seller.offer();
    await rival.call("POST", `/market/buy/${id}`);
    const visitor = await arrives();
    await visitor.visits(`/shop/items/${id}`);
    await sees(visitor.page.locator(".item"), /^Sold$/);
    expect(await visitor.page.locator("main").getByRole("button").count()).toBe(0);
    await visitor.leaves();
  });

  it("by keyboard alone, by way of signing in", async () => {
    const [seller, client] = [await somebody(), await somebody()];
    const title = newTitle("Keyring");
    await seller.offer({ title });
    const buyer = await arrives();
    const { keyboard } = await buyer.visits("/");
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
    await sees(buyer.page, title);

    await keyboard.press("Tab");
    expect(await focused()).toBe("To the content");
    await keyboard.press("Enter");
    await tabTo(new RegExp(`^Buy ${title}`));
    await keyboard.press("Enter");
    await buyer.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await keyboard.press("Tab");
    await keyboard.type(client.session!.user.email);
    await keyboard.press("Tab");
    await keyboard.type("correct horse battery");
    await keyboard.press("Enter");
    await buyer.page.getByRole("heading", { name: title }).waitFor();
    await tabTo(new RegExp(`^Buy ${title}`));
    await keyboard.press("Enter");
    await sees(buyer.page, "It is yours.");
    // Where the button was: the focus is not lost.
    await eventually(async () => expect(await focused()).toMatch(/^It is yours/), {
      within: patience,
    });
    await buyer.leaves();
  });
});

describe("going around", () => {
  it("the back button finds the list as it was left, and links to views work", async () => {
    const seller = await somebody();
    for (let n = 0; n < 30; n++) await seller.offer({ title: `Stone ${n}` });
    const visitor = await arrives({ viewport: { width: 900, height: 700 } });
    const { page } = visitor;
    await visitor.visits("/?sort=price");
    await page.getByRole("link", { name: "Stone" }).first().waitFor();
    await eventually(
      async () => {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        expect(await page.locator(".cards > li").count()).toBeGreaterThan(30);
      },
      { within: patience, every: 200 },
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
      { within: patience },
    );
    expect(await page.locator(".cards > li").count()).toBeGreaterThan(30);
    expect(await page.getByRole("combobox", { name: "Sort" }).inputValue()).toBe("price");
    await visitor.leaves();
  });

  it("what is somebody's own asks who you are, and then shows it", async () => {
    const client = await somebody();
    const visitor = await arrives();
    await visitor.visits("/shop/sales?show=offers");
    await visitor.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await visitor.signsIn(client);
    await visitor.page.getByRole("heading", { name: "My sales" }).waitFor();
    expect(visitor.page.url()).toBe(`${market.api}/shop/sales?show=offers`);

    await visitor.page.getByRole("link", { name: /^Your account/ }).click();
    await visitor.page.getByRole("button", { name: "Sign out" }).click();
    await visitor.page.getByRole("link", { name: "Sign in" }).waitFor();
    expect(await visitor.page.evaluate(() => localStorage.getItem("souk.refreshToken"))).toBeNull();
    await visitor.leaves();
  });

  it("never leaves for another site after signing in", async () => {
    const client = await somebody();
    for (const to of [
      "//evil.example/",
      "https://evil.example/",
      "/\\evil.example",
      "javascript:alert(1)",
    ]) {
      const visitor = await arrives();
      await visitor.visits(`/shop/sign-in?to=${encodeURIComponent(to)}`);
      await visitor.signsIn(client);
      await visitor.page.getByRole("heading", { name: "One of each." }).waitFor();
      expect(visitor.page.url()).toBe(`${market.api}/`);
      await visitor.leaves();
    }
  });
});

describe("a session", () => {
  const tokenIn = (refresh: Request) =>
    (refresh.postDataJSON() as { refreshToken: string }).refreshToken;

  it("goes on when two tabs come back at once, again and again: no token is sent twice", async () => {
    const visitor = await arrives({ as: await somebody() });
    const sent: string[] = [];
    visitor.context.on(
      "request",
      (request) => void (request.url().endsWith("/users/refresh") && sent.push(tokenIn(request))),
    );
    const [one, two] = [visitor.page, await visitor.tab()];
    for (let n = 0; n < 4; n++) {
      await Promise.all([
        visitor.visits("/shop/purchases", one),
        visitor.visits("/shop/sales", two),
      ]);
      await Promise.all([rings(one, 0), rings(two, 0)]);
    }
    expect(sent.length).toBeGreaterThanOrEqual(8);
    expect(new Set(sent).size).toBe(sent.length);
    await visitor.leaves();
  });

  it("goes on when the page is left, twice, after the server renewed its token and before the answer came", async () => {
    const visitor = await arrives({ as: await somebody() });
    let lost = 0;
    await visitor.context.route(
      "**/users/refresh",
      async (route) => void ((await route.fetch()).ok() && lost++),
      { times: 2 },
    );
    for (const path of ["/shop/purchases", "/shop/sales"]) {
      const before = lost;
      await visitor.visits(path);
      await eventually(() => expect(lost).toBe(before + 1), { within: patience });
    }

    await visitor.visits("/shop/inbox");
    await visitor.page.getByRole("heading", { name: "Inbox" }).waitFor();
    await rings(visitor.page, 0);
    await visitor.leaves();
  });

  it("renews itself when its token expires, and nothing that was typed is lost", async () => {
    const visitor = await arrives({ as: await somebody() });
    await visitor.page.clock.install();
    let renewals = 0;
    visitor.page.on(
      "request",
      (request) => void (request.url().endsWith("/users/refresh") && renewals++),
    );
    await visitor.visits("/shop/sell");
    await visitor.page.getByLabel("Title").fill(newTitle("Hourglass"));
    await rings(visitor.page, 0);
    expect(renewals).toBe(1);

    await visitor.page.clock.fastForward("20:00");
    await eventually(() => expect(renewals).toBe(2), { within: patience });
    await visitor.page.getByLabel("Price in EUR").fill("5");
    await visitor.page.getByRole("button", { name: "Offer it" }).click();
    await visitor.page.getByRole("heading", { name: /Hourglass/ }).waitFor();
    await visitor.leaves();
  });

  it("that was ended elsewhere is over here, on every tab, and leads back after signing in", async () => {
    const client = await somebody();
    const elsewhere = await market.signedInAgain(client);
    const visitor = await arrives({ as: client });
    const second = await visitor.visits("/", await visitor.tab());
    await visitor.visits("/shop/purchases");
    await Promise.all([rings(visitor.page, 0), rings(second, 0)]);

    await elsewhere.call("POST", "/users/password", {
      password: "correct horse battery",
      newPassword: "correct horse battery",
    });
    await visitor.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await second.getByRole("link", { name: "Sign in" }).waitFor();
    await visitor.signsIn(client);
    await visitor.page.getByRole("heading", { name: "My purchases" }).waitFor();
    await rings(second, 0);
    await visitor.leaves();
  });

  it("works for as long as the page is open where storage is disabled", async () => {
    const [client, seller] = [await somebody(), await somebody()];
    const { id } = await seller.offer();
    const visitor = await arrives();
    await visitor.context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException("denied", "SecurityError");
          },
        });
    });
    await visitor.visits(`/shop/items/${id}`);
    await visitor.page.getByRole("button", { name: /^Buy/ }).click();
    await visitor.signsIn(client);
    await visitor.page.getByRole("button", { name: /^Buy/ }).click();
    await sees(visitor.page, "It is yours.");
    await visitor.page.getByRole("link", { name: /^Inbox/ }).click();
    await visitor.page.getByLabel("Ring softly").check();
    await visitor.leaves();
  });
});

describe("away and back", () => {
  it("shows what was missed while the browser was offline", async () => {
    const [client, buyer] = [await somebody(), await somebody()];
    const { id, title } = await client.offer({ title: newTitle("Umbrella") });
    const seller = await arrives({ as: client, sees: outages });
    await seller.visits("/");
    await rings(seller.page, 0);

    await seller.context.setOffline(true);
    await sees(seller.page, "You are offline.");
    await buyer.call("POST", `/market/buy/${id}`);
    await seller.context.setOffline(false);

    await rings(seller.page, 1);
    await toastOf(seller.page, title).waitFor();
    await goes(seller.page.getByText("You are offline."));
    await seller.leaves();
  });

  it("heals by itself when the server was restarted under the page", async () => {
    const own = await startMarket();
    const client = await Client.registered(own.api);
    const { id, title } = await client.offer({ title: newTitle("Phoenix feather") });
    const seller = await Visitor.arrives(browser, own.api, { as: client, sees: outages });
    await seller.visits("/shop/sales");
    await rings(seller.page, 0);

    await own.end("SIGTERM");
    await sees(seller.page, "The shop does not answer.");
    const ports = { PORT: new URL(own.api).port, SOCKET_PORT: new URL(own.sockets).port };
    const again = await startNode([], { DATA_DIR: own.dataDir, RATE_SCALE: "1000000", ...ports });
    await goes(seller.page.getByText("The shop does not answer."));

    const buyer = await Client.registered(own.api);
    await buyer.call("POST", `/market/buy/${id}`);
    await rings(seller.page, 1);
    await toastOf(seller.page, title).waitFor();
    await seller.leaves();
    await again.end("SIGKILL");
    await own.close();
  });
});

describe("hostile goods", () => {
  const script = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>`;

  it("show their titles as the text they are", async () => {
    const client = await somebody();
    const { id } = await client.offer({
      title: `Free ${script}`,
      description: `${script}\u202Eevil`,
    });
    const visitor = await arrives();
    await visitor.visits("/?search=free");
    await sees(visitor.page, "Free <img src=x");
    await visitor.visits(`/shop/items/${id}`);
    await sees(visitor.page, "<script>window.ran=1");
    expect(await visitor.page.title()).toContain("Free <img src=x");
    expect(await visitor.page.evaluate(() => "ran" in window)).toBe(false);
    await visitor.leaves();
  });

  it.each([
    "javascript:window.ran=1",
    "data:image/svg+xml,<svg onload='window.ran=1'/>",
    "//evil.example\\x",
    "blob:nothing",
    "http://[broken",
  ])("never get a picture from %s", async (imageUrl) => {
    const client = await somebody();
    const item = await client.offer();
    const visitor = await arrives();
    // The market refuses such an address: as if it had not.
    await visitor.page.route("**/market/items/*", (route) =>
      route.fulfill({ json: { ...item, imageUrl } }),
    );
    await visitor.page.route(/evil\.example/, (route) => route.abort());
    await visitor.visits(`/shop/items/${item.id}`);
    await visitor.page.locator(".item .niche svg").waitFor();
    expect(await visitor.page.evaluate(() => "ran" in window)).toBe(false);
    // The address of another site that is no more than wrong may fail to load; it is drawn then.
    if (imageUrl.startsWith("//")) visitor.faults.length = 0;
    await visitor.leaves();
  });

  it("are drawn when their picture cannot be loaded, in the same room", async () => {
    const client = await somebody();
    const { id } = await client.offer({ imageUrl: "/assets/samples/no-such-picture.svg" });
    const visitor = await arrives();
    const niche = visitor.page.locator(".item .niche");
    // The picture is on its way until the room has been measured.
    const measured = gate();
    await visitor.page.route("**/no-such-picture.svg", async (route) => {
      await measured.opened();
      await route.continue();
    });
    await visitor.visits(`/shop/items/${id}`);
    await niche.locator("img").waitFor({ state: "attached" });
    const box = await niche.boundingBox();
    measured.open();
    await niche.locator("svg").waitFor();
    expect(box).not.toBeNull();
    expect(await niche.boundingBox()).toEqual(box);
    await visitor.leaves();
  });
});
