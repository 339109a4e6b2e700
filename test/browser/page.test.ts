/** What the page does for its visitors' languages, devices and habits. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import {
  inboxWith,
  outageErrors,
  openBrowser,
  showsText,
  Visitor,
  visitorTimeoutMs,
} from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

let browser: Browser;
let market: Market;
const openVisitor = (options: Parameters<typeof Visitor.open>[2] = {}) =>
  Visitor.open(browser, market.api, options);
const newUser = () => Client.registered(market.api);

beforeAll(async () => {
  [browser, market] = await Promise.all([openBrowser(), startMarket()]);
});

afterAll(async () => {
  await browser?.close();
  await market?.close();
});

describe("the page's language", () => {
  it("is German in a German browser, also in the messages about what the server refuses", async () => {
    const taken = await newUser();
    const visitor = await openVisitor({ locale: "de-AT", allowed: /status of 4\d\d/ });
    const { page } = visitor;
    await visitor.visit("/shop/register");
    await page.getByRole("heading", { name: "Konto erstellen" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("de");
    expect(await page.title()).toBe("Konto erstellen · Souk");

    await page.getByLabel("Name").fill("Änne");
    await page.getByLabel("E-Mail-Adresse").fill("nobody");
    await page.getByLabel("Passwort", { exact: true }).fill("password1");
    await page.getByRole("button", { name: "Konto erstellen" }).click();
    await showsText(page, "Die E-Mail-Adresse ist ungültig.");
    await page.getByLabel("E-Mail-Adresse").fill(`aenne-${Date.now()}@souk.test`);
    await page.getByRole("button", { name: "Konto erstellen" }).click();
    await showsText(page, "Das ist eines der häufigsten Passwörter.");

    await page.getByLabel("Passwort", { exact: true }).fill("correct horse battery");
    await page.getByLabel("E-Mail-Adresse").fill(taken.session!.user.email);
    await page.getByRole("button", { name: "Konto erstellen" }).click();
    await showsText(page, /^Zu dieser E-Mail-Adresse gibt es bereits ein Konto/);
    expect(await page.locator("[aria-invalid]").getAttribute("name")).toBe("email");

    // What was said about the field disappears as soon as the field changes.
    await page.getByLabel("E-Mail-Adresse").press("End");
    await page.keyboard.type("x");
    expect(await page.locator("[aria-invalid]").count()).toBe(0);
    await visitor.close();
  });

  it("is loaded only where it is needed, and is English for other languages", async () => {
    const visitor = await openVisitor({ locale: "fr-FR" });
    const scripts: string[] = [];
    visitor.page.on(
      "request",
      (request) => void (request.resourceType() === "script" && scripts.push(request.url())),
    );
    await visitor.visit("/");
    await visitor.page.getByRole("heading", { name: "One of each." }).waitFor();
    expect(scripts).toHaveLength(1);
    // Prices too: "€45.00", not "45,00 €".
    expect(await visitor.page.locator(".price").first().textContent()).toMatch(/^€\d/);
    await visitor.close();
  });

  it("is every language that there is when the browser runs no scripts, at the top of any screen", async () => {
    for (const viewport of [
      { width: 1280, height: 720 },
      { width: 320, height: 480 },
    ]) {
      const visitor = await openVisitor({ javaScriptEnabled: false, viewport });
      await visitor.visit("/");
      for (const language of ["en", "de"]) {
        const notice = visitor.page.locator(`.no-script [lang=${language}]`);
        const { y, height } = (await notice.boundingBox())!;
        expect(y + height).toBeLessThan(viewport.height);
      }
      await visitor.close();
    }
  });
});

describe("the list of the market", () => {
  it("has the items for sale, and the sold ones when the visitor asks for them", async () => {
    const [seller, buyer] = [await newUser(), await newUser()];
    const [sold, left] = [
      await seller.offer({ title: "Hurdy-gurdy, sold" }),
      await seller.offer({ title: "Hurdy-gurdy, left" }),
    ];
    await buyer.call("POST", `/market/buy/${sold.id}`);
    const visitor = await openVisitor();
    await visitor.visit("/?search=hurdy");
    await showsText(visitor.page, left.title);
    expect(await visitor.page.getByText(sold.title).count()).toBe(0);

    await visitor.page.getByRole("combobox", { name: "Show" }).selectOption("All items");
    await showsText(visitor.page, sold.title);
    const price = visitor.page.locator(".card.is-sold .price span").first();
    expect(await price.evaluate((element) => getComputedStyle(element).textDecorationLine)).toBe(
      "none",
    );
    await visitor.close();
  });

  it.each([
    [1280, 5],
    [1920, 7],
  ])("has, %d pixels wide, at least %d columns", async (width, columns) => {
    const visitor = await openVisitor({ viewport: { width, height: 900 } });
    await visitor.visit("/");
    await visitor.page.locator(".card h2").first().waitFor();
    const grid = visitor.page.locator(".cards");
    const found = await grid.evaluate(
      (element) => getComputedStyle(element).gridTemplateColumns.split(" ").length,
    );
    expect(found).toBeGreaterThanOrEqual(columns);
    await visitor.close();
  });
});

describe("the service worker", () => {
  /** The paths of all stored files. */
  const storedFiles = async () => {
    const paths: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys())
        paths.push(new URL(url).pathname);
    return paths.sort();
  };

  it("opens the page without a network, says so, and has stored nothing but the page's own files", async () => {
    const own = await newUser();
    const { id } = await own.offer({ title: "Spinet" });
    const visitor = await openVisitor({ as: own, locale: "de", allowed: outageErrors });
    const { page } = visitor;
    await visitor.visit(`/shop/items/${id}`);
    await page.getByRole("heading", { name: "Spinet" }).waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await visitor.visit("/shop/purchases");
    await page.getByRole("heading", { name: "Meine Einkäufe" }).waitFor();
    await page.locator("[data-connection=live]").waitFor();

    await visitor.context.setOffline(true);
    await page.reload();
    await showsText(page, "Sie sind offline");
    expect(await page.evaluate(storedFiles)).toEqual([
      "/",
      expect.stringMatching(/^\/assets\/de\./),
      "/assets/icon.svg",
      expect.stringMatching(/^\/assets\/index\./),
      expect.stringMatching(/^\/assets\/index\./),
    ]);
    // It continues by itself.
    await visitor.context.setOffline(false);
    await page.getByRole("heading", { name: "Meine Einkäufe" }).waitFor();
    await visitor.close();
  });

  it("removes itself and what it stored when it is switched off", async () => {
    const dist = join(import.meta.dirname, "../../web/dist");
    let script = "sw.js";
    // The market as it is before and after a restart with another setting.
    const front = createServer(async ({ url }, res) => {
      const { status, headers, body } = await fetch(market.api + url, { redirect: "manual" });
      const [type, policy] = ["content-type", "content-security-policy"].map((name) =>
        headers.get(name)!,
      );
      res.writeHead(status, { "content-type": type!, "content-security-policy": policy! });
      if (url === "/sw.js") res.end(readFileSync(join(dist, script)));
      else res.end(Buffer.from(await new Response(body).arrayBuffer()));
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    const visitor = await Visitor.open(
      browser,
      `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    );
    const { page } = visitor;
    await visitor.visit("/");
    await page.evaluate(() => navigator.serviceWorker.ready);
    expect(await page.evaluate(storedFiles)).toContain("/");

    script = "sw-off.js";
    await page.evaluate(
      async () => void (await navigator.serviceWorker.getRegistration())?.update(),
    );
    await eventually(
      async () =>
        expect([
          await page.evaluate(
            async () => (await navigator.serviceWorker.getRegistrations()).length,
          ),
          await page.evaluate(storedFiles),
        ]).toEqual([0, []]),
      { within: visitorTimeoutMs },
    );
    await visitor.close();
    front.closeAllConnections();
    front.close();
  });
});

it("the window's title has the number of unread notices", async () => {
  const [seller, buyer] = [await newUser(), await newUser()];
  const { id } = await seller.offer();
  const visitor = await openVisitor({ as: seller });
  await visitor.visit("/shop/sales");
  await inboxWith(visitor.page, 0);
  expect(await visitor.page.title()).toBe("My sales · Souk");
  await buyer.call("POST", `/market/buy/${id}`);
  await inboxWith(visitor.page, 1);
  expect(await visitor.page.title()).toBe("(1) My sales · Souk");
  await visitor.close();
});

it("signing in starts in the first field, tells password managers what is what, and shows the password on demand", async () => {
  const visitor = await openVisitor();
  const { page } = visitor;
  await visitor.visit("/shop/sign-in");
  await page.locator("input[name=email][autocomplete=username]:focus").waitFor();
  const password = page.locator("input[name=password][autocomplete=current-password]");
  await password.fill("secret");
  expect(await password.getAttribute("type")).toBe("password");
  await page.getByRole("button", { name: "Show password" }).click();
  expect(await password.getAttribute("type")).toBe("text");
  expect(await password.inputValue()).toBe("secret");

  await page.getByRole("link", { name: "Create an account" }).click();
  await page.locator("input[name=name]:focus").waitFor();
  await page.locator("input[name=password][autocomplete=new-password]").waitFor();
  await visitor.close();
});

it("titles in Arabic do not reorder the sentences around them", async () => {
  const seller = await newUser();
  const title = "فانوس 7!";
  const { id } = await seller.offer({ title });
  const visitor = await openVisitor({ as: seller });
  await visitor.visit(`/shop/items/${id}`);
  await visitor.page.getByRole("button", { name: "Remove" }).click();
  expect(await visitor.page.locator("dialog bdi").textContent()).toBe(title);

  const other = await openVisitor();
  await other.visit(`/shop/items/${id}`);
  await other.page.getByRole("button", { name: `Buy \u2068${title}\u2069 for €42.00` }).waitFor();
  expect(await other.page.title()).toBe(`\u2068${title}\u2069 · Souk`);
  await Promise.all([visitor.close(), other.close()]);
});

describe("the form that sells an item", () => {
  it("keeps a draft for its account when the visitor leaves, reloads, and until the item is offered", async () => {
    const [client, other] = [await newUser(), await newUser()];
    const visitor = await openVisitor({ as: client });
    const { page } = visitor;
    await visitor.visit("/shop/sell");
    await page.getByLabel("Title").fill("Zither, unfinished");
    await page.getByLabel("Price in EUR").fill("12");
    await page.getByLabel("Description").fill("Two strings are missing.");
    await page.getByRole("link", { name: "Sales", exact: true }).click();
    await page.getByRole("heading", { name: "My sales" }).waitFor();
    await page.getByRole("link", { name: "Sell", exact: true }).click();
    const isKept = async () => {
      await page.locator("input[name=title]").waitFor();
      return page.evaluate(() =>
        Object.fromEntries(new FormData(document.querySelector("main form")!)),
      );
    };
    const draft = {
      title: "Zither, unfinished",
      price: "12",
      description: "Two strings are missing.",
      imageUrl: "",
    };
    expect(await isKept()).toEqual(draft);
    await page.reload();
    expect(await isKept()).toEqual(draft);
    await showsText(page, "This is the draft that you left here.");

    await page.getByRole("button", { name: "Put up for sale" }).click();
    await page.getByRole("heading", { name: draft.title }).waitFor();
    await page.getByRole("link", { name: "Sell", exact: true }).click();
    expect(await isKept()).toEqual({ title: "", price: "", description: "", imageUrl: "" });

    // Signing out removes the draft, and another account does not see it.
    await page.getByLabel("Title").fill("A secret");
    await page.getByRole("link", { name: /^Your account/ }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).click();
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("secret");
    await visitor.signIn(other);
    await page.getByRole("link", { name: "Sell", exact: true }).click();
    expect(await isKept()).toMatchObject({ title: "" });
    await visitor.close();
  });

  it("says that a price is missing, and before it is sent that a link leads to no picture", async () => {
    const visitor = await openVisitor({ as: await newUser() });
    const { page } = visitor;
    await visitor.visit("/shop/sell");
    await page.getByLabel("Picture").fill("/assets/none.png");
    await showsText(page, "No picture can be loaded from this link.");
    await page.getByLabel("Picture").fill("/assets/icon.svg");
    await eventually(
      async () => expect(await page.getByText("No picture can be loaded").count()).toBe(0),
      { within: visitorTimeoutMs },
    );
    await page.getByLabel("Title").fill("An icon");
    await page.getByRole("button", { name: "Put up for sale" }).click();
    await showsText(page, "Enter a price.");
    await visitor.close();
  });
});

it("a picture that cannot be loaded is called that", async () => {
  const seller = await newUser();
  const { id } = await seller.offer({ imageUrl: "/assets/none.png" });
  const visitor = await openVisitor();
  await visitor.visit(`/shop/items/${id}`);
  await showsText(visitor.page.locator(".item"), "The picture cannot be loaded.");
  await visitor.close();
});
