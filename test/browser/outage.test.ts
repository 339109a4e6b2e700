import type { Browser, Page } from "playwright-core";
import type { Sale } from "../../contracts/market.ts";
import { freshPage } from "../../bin/web-build.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { SERVER_START, startMongo, startRabbit, type Server } from "../../bin/processes/servers.ts";
import { goes, openBrowser, outages, rings, sees, toastOf, Visitor } from "./support/browser.ts";

import.meta.jest.setTimeout(90_000);

/** A cluster whose parts can be killed, and come back at their addresses. */
const services = ["api", "market", "notifications", "users"] as const;
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
    PORT: String(await freePort(20_000)),
    SOCKET_PORT: String(await freePort(20_000)),
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
  seller = await Visitor.arrives(browser, api, { as: owner, sees: outages });
});

/** Follows a link of the page, without loading it anew. */
const follow = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();

describe("while a part of the cluster is down, the page says which, the rest goes on, and it heals by itself", () => {
  it("users: browsing and buying go on, and who comes anew waits", async () => {
    const rug = await Client.registered(api).then((other) =>
      other.offer({ title: "A rug of that day" }),
    );
    await seller.visits("/");
    await rings(seller.page, 0);

    await kill("users");
    const stranger = await Visitor.arrives(browser, api, { sees: outages });
    await stranger.visits("/shop/sign-in");
    await stranger.signsIn(owner);
    await sees(stranger.page, "Sign-in is away. Browsing goes on");
    await sees(stranger.page.locator("main"), "Sign-in is away for a moment.");
    await seller.page.getByRole("searchbox").fill("rug of that day");
    await seller.page.getByRole("searchbox").press("Enter");
    await seller.page.getByRole("button", { name: `Buy ${rug.title}` }).click();
    await sees(seller.page, "It is yours.");

    await start("users");
    await goes(stranger.page.getByText("Sign-in is away. Browsing goes on"));
    await stranger.page.locator("main").getByRole("button", { name: "Sign in" }).click();
    await stranger.page.getByRole("link", { name: /^Your account/ }).waitFor();
    await Promise.all([seller.leaves(), stranger.leaves()]);
  });

  it("users, when the page is loaded anew meanwhile: it finds out who you are as soon as it can", async () => {
    await kill("users");
    await seller.visits("/shop/purchases");
    await sees(seller.page, "This view comes back by itself.");
    await start("users");
    await sees(seller.page, "You have not bought anything yet.");
    await seller.leaves();
  });

  it("notifications: selling goes on, quietly without live updates, and every notice arrives", async () => {
    const lamp = await owner.offer({ title: "A lamp in the dark" });
    await seller.visits("/");
    await rings(seller.page, 0);

    await kill("notifications");
    await sees(seller.page, "Live updates paused.");
    expect((await buyer.call("POST", `/market/buy/${lamp.id}`)).status).toBe(200);
    await follow(seller.page, "Sales");
    await sees(seller.page.locator("main"), lamp.title);

    await start("notifications");
    await rings(seller.page, 1);
    await toastOf(seller.page, lamp.title).waitFor();
    await goes(seller.page.getByText("Live updates paused."));
    await seller.leaves();
  });

  it("market: a purchase can be tried again and happens once, and the inbox goes on", async () => {
    const drum = await (await Client.registered(api)).offer({ title: "A drum" });
    await seller.visits(`/shop/items/${drum.id}`);
    await rings(seller.page, 0);

    await kill("market");
    await seller.page.getByRole("button", { name: /^Buy/ }).click();
    await sees(seller.page, "The market is away. Try again: you will not pay twice.");
    await sees(seller.page, "browsing and buying have to wait");
    const second = await seller.visits("/", await seller.tab());
    await sees(second.locator("main"), "The market is away for a moment.");
    await second.getByRole("link", { name: /^Inbox/ }).click();
    await sees(second, "Nothing new.");
    await second.goBack();

    await start("market");
    await goes(seller.page.getByText("browsing and buying have to wait"));
    await sees(second.locator("main"), drum.title);
    await seller.page.getByRole("button", { name: `Try again to buy ${drum.title}` }).click();
    await sees(seller.page, "It is yours.");
    const { body } = await owner.call<{ sales: Sale[] }>("GET", "/market/purchases");
    expect(body.sales.map(({ itemId }) => itemId)).toEqual([drum.id]);
    await seller.leaves();
  });

  it("api: what was loaded stays, and sockets stay live", async () => {
    const bowl = await owner.offer({ title: "A bowl of time" });
    await seller.visits("/");
    await rings(seller.page, 0);
    await kill("api");
    await follow(seller.page, "Sales");
    await sees(seller.page, "The shop does not answer. What you see is from before");
    await start("api");
    await goes(seller.page.getByText("The shop does not answer."));
    await sees(seller.page, "Nothing of yours was sold yet.");
    await buyer.call("POST", `/market/buy/${bowl.id}`);
    await rings(seller.page, 1);
    await seller.leaves();
  });

  it.each([
    ["RabbitMQ", () => rabbit],
    ["the database", () => mongo],
  ] as const)("%s: everything waits, and everything comes back", async (_name, server) => {
    const jar = await owner.offer({ title: `A jar before ${_name}` });
    await seller.visits("/");
    await rings(seller.page, 0);

    await server().kill();
    await follow(seller.page, "Sales");
    await sees(seller.page, "browsing and buying have to wait");
    await sees(seller.page, "Sign-in is away, too.");
    await server().restart();
    await isReady();
    await goes(seller.page.getByText("browsing and buying have to wait"));
    await sees(seller.page, "Nothing of yours was sold yet.");

    expect((await buyer.call("POST", `/market/buy/${jar.id}`)).status).toBe(200);
    await rings(seller.page, 1);
    await toastOf(seller.page, jar.title).waitFor();
    await seller.leaves();
  });
});
