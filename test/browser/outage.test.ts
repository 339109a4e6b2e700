import type { Browser, Page } from "playwright-core";
import type { Sale } from "../../contracts/market.ts";
import { freshPage } from "../../bin/web-build.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { SERVER_START, startMongo, startRabbit, type Server } from "../../bin/processes/servers.ts";
import {
  disappears,
  openBrowser,
  outageErrors,
  inboxWith,
  showsText,
  toastOf,
  Visitor,
} from "./support/browser.ts";

import.meta.jest.setTimeout(300_000);

/** A cluster whose parts can be killed and restarted at their addresses. */
const services = ["api", "market", "notifications", "users", "deliveries"] as const;
type Service = (typeof services)[number];

let browser: Browser;
let rabbit: Server;
let mongo: Server;
let env: Record<string, string>;
let api: string;
const nodes = new Map<Service, Node>();
const start = async (name: Service) =>
  void nodes.set(
    name,
    await startNode([name], {
      ...envOf(name, clusterOf(env)),
      PORT: env.PORT,
      SOCKET_PORT: env.SOCKET_PORT,
    }),
  );
const kill = (name: Service) => nodes.get(name)!.end("SIGKILL");
const clusterOf = (all: Record<string, string>) => all as ReturnType<typeof clusterEnv>;

beforeAll(async () => {
  await freshPage();
  [browser, rabbit, mongo] = await Promise.all([openBrowser(), startRabbit(), startMongo()]);
  env = {
    ...clusterEnv(rabbit.url, mongo.url),
    PORT: String(await freePort()),
    SOCKET_PORT: String(await freePort()),
  };
  await Promise.all(services.map(start));
  api = `http://127.0.0.1:${env.PORT}`;
  await isReady();
}, SERVER_START);

afterAll(async () => {
  await browser?.close();
  await Promise.all([...nodes.values()].map((node) => node.end("SIGKILL")));
  await Promise.all([rabbit?.stop(), mongo?.stop()]);
});

const isReady = () =>
  eventually(async () => (await fetch(`${api}/health/ready`)).status === 200, {
    within: 30_000,
    every: 100,
  });

let seller: Visitor;
let owner: Client;
let buyer: Client;

beforeEach(async () => {
  [owner, buyer] = await Promise.all([Client.registered(api), Client.registered(api)]);
  seller = await Visitor.open(browser, api, { as: owner, allowed: outageErrors });
});

/** Clicks a link of the main navigation. */
const follow = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();

describe("while a part of the cluster is unavailable, the page says which, the rest works, and the page recovers by itself", () => {
  it("users: browsing and buying work, and signing in waits", async () => {
    const rug = await Client.registered(api).then((other) =>
      other.offer({ title: "A rug of that day" }),
    );
    await seller.visit("/");
    await inboxWith(seller.page, 0);

    await kill("users");
    const signedOut = await Visitor.open(browser, api, { allowed: outageErrors });
    await signedOut.visit("/shop/sign-in");
    await signedOut.signIn(owner);
    await showsText(
      signedOut.page,
      "Signing in is not available at the moment. You can still browse",
    );
    await showsText(
      signedOut.page.locator("main"),
      "Signing in is not available at the moment. Try again later.",
    );
    await seller.page.getByRole("searchbox").fill("rug of that day");
    await seller.page.getByRole("searchbox").press("Enter");
    await seller.page.getByRole("button", { name: `Buy ${rug.title}` }).click();
    await showsText(seller.page, "You bought this item.");

    await start("users");
    await disappears(
      signedOut.page.getByText("Signing in is not available at the moment. You can still browse"),
    );
    await signedOut.page.locator("main").getByRole("button", { name: "Sign in" }).click();
    await signedOut.page.getByRole("link", { name: /^Your account/ }).waitFor();
    await Promise.all([seller.close(), signedOut.close()]);
  });

  it("users, when the page is reloaded: the session continues after the outage", async () => {
    await kill("users");
    await seller.visit("/shop/purchases");
    await showsText(seller.page, "This page continues automatically.");
    await start("users");
    await showsText(seller.page, "You have not bought anything yet.");
    await seller.close();
  });

  it("notifications: selling works without live updates, and every notice arrives later", async () => {
    const lamp = await owner.offer({ title: "A lamp in the dark" });
    await seller.visit("/");
    await inboxWith(seller.page, 0);

    await kill("notifications");
    await showsText(seller.page, "Live updates are paused.");
    expect((await buyer.call("POST", `/market/buy/${lamp.id}`)).status).toBe(200);
    await follow(seller.page, "Sales");
    await showsText(seller.page.locator("main"), lamp.title);

    await start("notifications");
    await inboxWith(seller.page, 1);
    await toastOf(seller.page, lamp.title).waitFor();
    await disappears(seller.page.getByText("Live updates are paused."));
    await seller.close();
  });

  it("market: a purchase can be repeated and happens once, and the inbox works", async () => {
    const drum = await (await Client.registered(api)).offer({ title: "A drum" });
    await seller.visit(`/shop/items/${drum.id}`);
    await inboxWith(seller.page, 0);

    await kill("market");
    await seller.page.getByRole("button", { name: /^Buy/ }).click();
    await showsText(
      seller.page,
      "The market is not available. Try again: you cannot buy an item twice.",
    );
    await showsText(seller.page, "you cannot browse or buy");
    const second = await seller.visit("/", await seller.tab());
    await showsText(second.locator("main"), "The market is not available at the moment.");
    await second.getByRole("link", { name: /^Inbox/ }).click();
    await showsText(second, "No new notices.");
    await second.goBack();

    await start("market");
    await disappears(seller.page.getByText("you cannot browse or buy"));
    await showsText(second.locator("main"), drum.title);
    await seller.page.getByRole("button", { name: `Try again to buy ${drum.title}` }).click();
    await showsText(seller.page, "You bought this item.");
    const { body } = await owner.call<{ sales: Sale[] }>("GET", "/market/purchases");
    expect(body.sales.map(({ itemId }) => itemId)).toEqual([drum.id]);
    await seller.close();
  });

  it("api: the loaded page stays, and the sockets stay live", async () => {
    const bowl = await owner.offer({ title: "A bowl of time" });
    await seller.visit("/");
    await inboxWith(seller.page, 0);
    await kill("api");
    await follow(seller.page, "Sales");
    await showsText(
      seller.page,
      "The market does not respond. You see data that was loaded earlier",
    );
    await start("api");
    await disappears(seller.page.getByText("The market does not respond."));
    await showsText(seller.page, "You have not sold anything yet.");
    await buyer.call("POST", `/market/buy/${bowl.id}`);
    await inboxWith(seller.page, 1);
    await seller.close();
  });

  it.each([
    ["RabbitMQ", () => rabbit],
    ["the database", () => mongo],
  ] as const)("%s: everything waits and recovers", async (_name, server) => {
    const jar = await owner.offer({ title: `A jar before ${_name}` });
    await seller.visit("/");
    await inboxWith(seller.page, 0);

    await server().kill();
    await follow(seller.page, "Sales");
    await showsText(seller.page, "you cannot browse or buy");
    await showsText(seller.page, "Signing in is not available either.");
    await server().restart();
    await isReady();
    await disappears(seller.page.getByText("you cannot browse or buy"));
    await showsText(seller.page, "You have not sold anything yet.");

    expect((await buyer.call("POST", `/market/buy/${jar.id}`)).status).toBe(200);
    await inboxWith(seller.page, 1);
    await toastOf(seller.page, jar.title).waitFor();
    await seller.close();
  });
});
