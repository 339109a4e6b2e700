import type { Browser, Page } from "puppeteer-core";
import { freshPage } from "../../bin/web-build.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Preferences } from "../../contracts/channels.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client, password } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";
import { visitorTimeoutMs } from "./support/browser.ts";
import { clickButton, fillIn, openFirefox, showsText } from "./support/firefox.ts";
import { startPushService, type PushService } from "./support/push-service.ts";

import.meta.jest.setTimeout(300_000);

/** A notice that no page has shown is pushed after this time (ms). */
const dueAfterMs = 30_000;
/** On a machine without other work, at most 5 s pass from then until the notice is shown. The test prints the time. */
const shownWithinMs = 20_000;
const within = { within: visitorTimeoutMs, every: 100 };

let push: PushService;
let market: Market;
let firefox: Browser;
let seller: Client;

beforeAll(async () => {
  expect(await freshPage()).toBeUndefined();
  push = await startPushService();
  [market, firefox] = await Promise.all([
    startMarket({ ALLOW_LOCAL_TARGETS: "1", NODE_EXTRA_CA_CERTS: push.certificate }),
    openFirefox(push.serverUrl),
  ]);
  seller = await Client.registered(market.api);
});

afterAll(async () => {
  await firefox?.close();
  await market?.close();
  await push?.close();
});

async function visit(path: string): Promise<Page> {
  const page = await firefox.newPage();
  await page.goto(market.api + path, { timeout: visitorTimeoutMs });
  return page;
}

async function signIn(page: Page): Promise<void> {
  await fillIn(page, "email", seller.session!.user.email);
  await fillIn(page, "password", password);
  await clickButton(page, "Sign in");
}

/** The open pages of the market. */
const pages = async () =>
  (await firefox.pages()).filter((page) => page.url().startsWith(market.api));

/** The number of devices that the market pushes to. */
async function devices(): Promise<number> {
  const { body } = await seller.call<Preferences>("GET", "/notifications/preferences");
  return body.devices.length;
}

const buy = async (title: string) => {
  const { id } = await seller.offer({ title });
  const buyer = await Client.registered(market.api);
  expect((await buyer.call("POST", `/market/buy/${id}`)).status).toBe(200);
};

/** The titles of the notifications that the browser shows. */
const shown = (page: Page) =>
  page.evaluate(async () => {
    const worker = await navigator.serviceWorker.getRegistration();
    return (await worker!.getNotifications()).map(({ title }) => title);
  });

describe("a seller in Firefox", () => {
  it("is subscribed by the button of the page", async () => {
    const page = await visit("/shop/settings");
    await signIn(page);
    await clickButton(page, "Turn on in this browser");
    await showsText(page, "main", "This browser gets pushes until you sign out.");
    expect([await devices(), push.subscriptions()]).toEqual([1, 1]);
  });

  it("is shown a sale within five seconds after it is due, with every page closed, and none that an open page has shown", async () => {
    const [page] = await pages();
    await buy("Seen on the page");
    await showsText(page!, ".toast", "Seen on the page");
    await page!.close();
    expect(await pages()).toEqual([]);

    const soldAt = Date.now();
    await buy("Sold meanwhile");
    await eventually(() => push.received.length > 0, { ...within, within: 2 * visitorTimeoutMs });
    // Not a view of the page: it has no scripts. It only asks the browser.
    const observer = await visit("/robots.txt");
    await eventually(async () => expect(await shown(observer)).toContain("Sold meanwhile"), within);
    const shownAt = Date.now();
    expect(await shown(observer)).toEqual(["Sold meanwhile"]);
    await observer.close();

    const { body } = await seller.call<Inbox>("GET", "/notifications");
    const notice = body.notifications.find(({ data }) => data.title === "Sold meanwhile")!;
    const lateMs = shownAt - (Date.parse(notice.createdAt) + dueAfterMs);
    console.log(`From the sale to the shown push: ${shownAt - soldAt} ms, ${lateMs} ms after due.`);
    expect(lateMs).toBeGreaterThan(0);
    expect(lateMs).toBeLessThan(shownWithinMs);
    expect(push.received.map(({ status }) => status)).toEqual([201]);
  });

  it("is no longer subscribed after signing out, neither at the market nor in the browser", async () => {
    const page = await visit("/shop/account");
    await clickButton(page, "Sign out");
    await eventually(
      async () => expect([await devices(), push.subscriptions()]).toEqual([0, 0]),
      within,
    );
    const subscription = () =>
      page.evaluate(async () => {
        const worker = await navigator.serviceWorker.getRegistration();
        return (await worker!.pushManager.getSubscription())?.endpoint ?? null;
      });
    await eventually(async () => expect(await subscription()).toBeNull(), within);
  });
});
