/** Stock Firefox, headless and with a new profile, whose push service is one of the test's own. */
import puppeteer, { type Browser, type ElementHandle, type Page } from "puppeteer-core";
import { eventually } from "../../../bin/processes/eventually.ts";
import { pathOf, visitorTimeoutMs } from "./browser.ts";

/** Without the first two, Firefox uses only Mozilla's push service. The others: nobody is there to answer its questions, and it has no desktop. */
const preferences = (pushServer: string) => ({
  "dom.push.serverURL": pushServer,
  // Firefox turns it off when it is driven by a test.
  "dom.push.connection.enabled": true,
  "dom.push.testing.allowInsecureServerURL": true,
  "permissions.default.desktop-notification": 1,
  "alerts.useSystemBackend": false,
  "intl.accept_languages": "en-GB, en",
  "app.update.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
});

export const openFirefox = (pushServer: string): Promise<Browser> =>
  puppeteer.launch({
    ...{ browser: "firefox", executablePath: pathOf("firefox-esr", "firefox"), headless: true },
    ...{ timeout: 2 * visitorTimeoutMs, protocolTimeout: 2 * visitorTimeoutMs },
    extraPrefsFirefox: preferences(pushServer),
  });

const within = { within: visitorTimeoutMs, every: 100 };

/** Clicks the button in the main part of the page when it is there. Puppeteer's locators evaluate text, which the page's policy (CSP) forbids. */
export const clickButton = (page: Page, name: string): Promise<void> =>
  eventually(async () => {
    for (const button of await page.$$("main button"))
      if ((await textOf(button)) === name) return await button.click();
    throw new Error(`There is no button ${name}.`);
  }, within);

/** Fills in the field with this name when it is there. */
export const fillIn = (page: Page, name: string, value: string): Promise<void> =>
  eventually(async () => {
    const field = await page.$(`main input[name="${name}"]`);
    if (!field) throw new Error(`There is no field ${name}.`);
    await field.type(value);
  }, within);

/** Waits until an element that matches the selector has the text. */
export const showsText = (page: Page, selector: string, text: string): Promise<void> =>
  eventually(async () => {
    const texts = await Promise.all((await page.$$(selector)).map(textOf));
    expect(texts.join("\n")).toContain(text);
  }, within);

const textOf = (element: ElementHandle) => element.evaluate(({ textContent }) => textContent);
