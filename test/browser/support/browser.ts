/** A real Chromium and its visitors. */
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

/** The timeout in ms for everything that a visitor waits for. It is long, because a small machine may be busy with other tests. */
export const visitorTimeoutMs = 60_000;

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
  chromium.launch({
    executablePath: pathOf("chromium", "chromium-browser", "google-chrome"),
    args: [...args, ...quiet],
  });

/** The first program on the PATH that has one of these names. */
export function pathOf(...names: string[]): string {
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of names) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  throw new Error(`These tests run the page in a real browser. Not on the PATH: ${names[0]}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface VisitorOptions extends BrowserContextOptions {
  /** The signed-in user, with a new session: a refresh token is valid for one browser. */
  as?: Client;
  /** Console errors of the browser that the test expects. */
  allowed?: RegExp;
}

/** The browser's console error for a refused request, which the page handles. */
const refusals =
  /Failed to load resource: the server responded with a status of (401|403|404|409|503|504)/;
/** The browser's console error when a visitor leaves or signs out while a socket opens. */
const socketClosedEarly = /WebSocket is closed before the connection is established/;
export const outageErrors = /Failed to load resource|WebSocket connection to|ERR_|status of 50/;

/** A visitor with a browser context of their own. Errors in any of its tabs are collected in `errors`. */
export class Visitor {
  readonly context: BrowserContext;
  readonly api: string;
  readonly errors: string[] = [];
  readonly #allowed: RegExp;
  declare page: Page;

  private constructor(context: BrowserContext, api: string, allowed: RegExp) {
    [this.context, this.api, this.#allowed] = [context, api, allowed];
  }

  static async open(
    browser: Browser,
    api: string,
    { as, allowed = refusals, ...options }: VisitorOptions = {},
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
    context.setDefaultTimeout(visitorTimeoutMs);
    const visitor = new Visitor(context, api, allowed);
    visitor.page = await visitor.tab();
    return visitor;
  }

  async tab(): Promise<Page> {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.errors.push(`thrown: ${error.message}`));
    page.on(
      "dialog",
      (dialog) => (this.errors.push(`dialog: ${dialog.message()}`), void dialog.dismiss()),
    );
    page.on("console", (message) => {
      const isExpected =
        this.#allowed.test(message.text()) || socketClosedEarly.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isExpected)
        this.errors.push(`${message.type()}: ${message.text()}`);
    });
    return page;
  }

  async visit(path: string, page = this.page): Promise<Page> {
    await page.goto(this.api + path);
    return page;
  }

  async signIn({ session }: Client, page = this.page, secret = password): Promise<void> {
    await page.getByLabel("Email address").fill(session!.user.email);
    await page.getByLabel("Password", { exact: true }).fill(secret);
    await page.locator("main").getByRole("button", { name: "Sign in" }).click();
  }

  /** Closes the browser context, and fails if there were errors. */
  async close(): Promise<void> {
    await this.context.close();
    expect(this.errors).toEqual([]);
  }
}

async function refreshTokenOf({ api, session }: Client): Promise<string> {
  const { body } = await new Client(api).call<Session>("POST", "/users/login", {
    email: session!.user.email,
    password,
  });
  return body.refreshToken;
}

/** Waits until the text is visible. */
export const showsText = async (where: Page | Locator, text: string | RegExp) =>
  where.getByText(text).first().waitFor();

/** Waits until the inbox link is live and shows this count. Returns the link. */
export async function inboxWith(page: Page, unread: number): Promise<Locator> {
  const link = page
    .getByRole("link", { name: new RegExp(`^Inbox, ${unread.toLocaleString("en-GB")} unread`) })
    .and(page.locator("[data-connection=live]"));
  await link.waitFor();
  return link;
}

export const toastOf = (page: Page, title: string) =>
  page.locator(".toast").filter({ hasText: title });

/** Waits until the locator matches nothing. */
export const disappears = (what: Locator) =>
  eventually(async () => expect(await what.count()).toBe(0), {
    within: visitorTimeoutMs,
    every: 100,
  });
