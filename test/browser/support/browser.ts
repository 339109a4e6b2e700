/** A real Chromium, and the people who sit before it. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from "playwright-core";
import type { Session } from "../../../contracts/users.ts";
import { eventually } from "../../../bin/processes/eventually.ts";
import { Client, password } from "../../support/client.ts";

/** For everything that a visitor waits for (ms): a small machine may be busy with other tests. */
export const patience = 20_000;

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
];
const quiet = [
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), args: [...args, ...quiet] });

function chromiumPath(): string {
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  throw new Error(
    "There is no Chromium on the PATH: these tests look at the page in a real browser.",
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface Arrival extends BrowserContextOptions {
  /** Who is signed in here: with a session of their own, as a refresh token is of use to one browser. */
  as?: Client;
  /** What parts of the market that are away make the browser itself say in the console. */
  sees?: RegExp;
}

/** The browser's own words for an answer that refuses. The page expects those, so that they are no fault of its. */
const refusals =
  /Failed to load resource: the server responded with a status of (401|403|404|409|503|504)/;
/** And for somebody who leaves or signs out while a socket opens. */
const hurried = /WebSocket is closed before the connection is established/;
export const outages = /Failed to load resource|WebSocket connection to|ERR_|status of 50/;

/** Somebody with a browser of their own. Whatever goes wrong in any of their tabs is among the `faults`. */
export class Visitor {
  readonly context: BrowserContext;
  readonly api: string;
  readonly faults: string[] = [];
  readonly #allowed: RegExp;
  declare page: Page;

  private constructor(context: BrowserContext, api: string, allowed: RegExp) {
    [this.context, this.api, this.#allowed] = [context, api, allowed];
  }

  static async arrives(
    browser: Browser,
    api: string,
    { as, sees = refusals, ...options }: Arrival = {},
  ): Promise<Visitor> {
    const stored = as && [
      {
        origin: api,
        localStorage: [{ name: "souk.refreshToken", value: await refreshTokenOf(as) }],
      },
    ];
    const context = await browser.newContext({
      locale: "en-GB",
      ...(stored && { storageState: { cookies: [], origins: stored } }),
      ...options,
    });
    context.setDefaultTimeout(patience);
    const visitor = new Visitor(context, api, sees);
    visitor.page = await visitor.tab();
    return visitor;
  }

  async tab(): Promise<Page> {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.faults.push(`thrown: ${error.message}`));
    page.on(
      "dialog",
      (dialog) => (this.faults.push(`dialog: ${dialog.message()}`), void dialog.dismiss()),
    );
    page.on("console", (message) => {
      const isExpected = this.#allowed.test(message.text()) || hurried.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isExpected)
        this.faults.push(`${message.type()}: ${message.text()}`);
    });
    return page;
  }

  async visits(path: string, page = this.page): Promise<Page> {
    await page.goto(this.api + path);
    return page;
  }

  async signsIn({ session }: Client, page = this.page): Promise<void> {
    await page.getByLabel("E-mail").fill(session!.user.email);
    await page.getByLabel("Password").fill(password);
    await page.locator("main").getByRole("button", { name: "Sign in" }).click();
  }

  /** Closes their browser. Nothing may have gone wrong in it. */
  async leaves(): Promise<void> {
    await this.context.close();
    expect(this.faults).toEqual([]);
  }
}

async function refreshTokenOf({ api, session }: Client): Promise<string> {
  const { body } = await new Client(api).call<Session>("POST", "/users/login", {
    email: session!.user.email,
    password,
  });
  return body.refreshToken;
}

/** Waits until it is to be seen. */
export const sees = async (where: Page | Locator, text: string | RegExp) =>
  where.getByText(text).first().waitFor();

/** The bell, once it is live and counts so many. */
export async function rings(page: Page, unread: number): Promise<Locator> {
  const bell = page
    .getByRole("link", { name: new RegExp(`^Inbox, ${unread} unread`) })
    .and(page.locator("[data-connection=live]"));
  await bell.waitFor();
  return bell;
}

export const toastOf = (page: Page, title: string) =>
  page.locator(".toast").filter({ hasText: title });

/** Waits until there is none. */
export const goes = (what: Locator) =>
  eventually(async () => expect(await what.count()).toBe(0), { within: patience, every: 100 });
