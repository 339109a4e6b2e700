/** The mails of a market without a mail server: in a folder, and shown to people at this machine only. */
import { readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { MailFolder } from "../../services/deliveries/mail/folder.ts";
import { mailMessage } from "../../services/deliveries/mail/message.ts";
import { isFromThisMachine } from "../../edge/page/dev-mail.ts";
import { gateway, raw, type Gateway } from "../support/gateway.ts";

const folder = temporaryFolder();
const mailFolder = join(folder.path, "mail");
const mails = new MailFolder(mailFolder);
const mail = (key: string, subject = "Sold: a lamp") =>
  mailMessage(
    { subject, text: "See your sales:\nhttps://souk.example/shop/sales\n", html: "<p>Sold</p>" },
    {
      ...{ key, from: { name: "Souk", address: "noreply@souk.test" }, to: "ann@souk.test" },
      now: new Date("2026-11-28T09:30:00.000Z"),
    },
  );

let at: Gateway;
beforeAll(async () => {
  at = await gateway({ settings: { mailFolder } });
});
afterAll(async () => {
  await at.stop();
  folder.remove();
});
const statusOf = async (headers: string[], from = at, path = "/dev/mail", version = "1.1") =>
  Number(
    (
      await raw(
        from.port,
        [`GET ${path} HTTP/${version}`, ...headers, "connection: close", "", ""].join("\r\n"),
      )
    ).split(" ")[1],
  );

describe("the folder of mails", () => {
  it("has each mail as it would be sent, readable by its owner only; a repeat replaces it", async () => {
    await mails.send(mail("one"));
    await mails.send(mail("one"));
    const names = readdirSync(mailFolder).sort();
    expect(names).toEqual([
      expect.stringMatching(/^[\w-]{32}\.eml$/),
      expect.stringMatching(/\.json$/),
    ]);
    expect(readFileSync(join(mailFolder, names[0]!), "utf8")).toMatch(
      /^Subject: Sold: a lamp$[^]*https:\/\/souk\.example\/shop\/sales/m,
    );
    for (const path of [mailFolder, ...names.map((name) => join(mailFolder, name))])
      expect(statSync(path).mode & 0o077).toBe(0);
  });

  it("keeps the newest 200", async () => {
    const full = new MailFolder(join(folder.path, "full"));
    await full.send(mail("oldest"));
    for (const name of readdirSync(join(folder.path, "full")))
      utimesSync(join(folder.path, "full", name), 1, 1);
    for (let n = 0; n < 201; n++) await full.send(mail(`${n}`, n === 200 ? "The last" : "Sold"));
    const names = readdirSync(join(folder.path, "full"));
    expect(names).toHaveLength(400);
    const texts = names.map((name) => readFileSync(join(folder.path, "full", name), "utf8"));
    expect(texts.some((text) => text.includes("The last"))).toBe(true);
  });
});

describe("/dev/mail", () => {
  it("lists the mails as text without scripts, and shows each as HTML", async () => {
    await mails.send(mail("two", "<script>alert(1)</script>"));
    const listed = await fetch(`${at.url}/dev/mail`);
    const text = await listed.text();
    expect(listed.status).toBe(200);
    expect(text).toContain('<a href="https://souk.example/shop/sales">');
    expect(text).not.toContain("<script");
    expect(listed.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    const [, path] = /href="(\/dev\/mail\/[\w-]+)"/.exec(text)!;
    const shown = await fetch(at.url + path!);
    expect([shown.status, await shown.text()]).toEqual([200, "<p>Sold</p>"]);
  });

  it.each(["..%2f..%2fkeys", "x", "A".repeat(32), "../mail", "a.eml"])(
    "has no mail %s",
    async (name) => expect(await statusOf(["host: localhost"], at, `/dev/mail/${name}`)).toBe(404),
  );

  it.each([
    [200, "a program at this machine", ["host: 127.0.0.1:3000"]],
    [200, "a browser at this machine", ["host: localhost:3000", "sec-fetch-site: none"]],
    [200, "IPv6", ["host: [::1]:3000"]],
    [404, "a name that resolves to this machine", ["host: evil.example:3000"]],
    [404, "a name like localhost", ["host: localhost.evil.example"]],
    [404, "a proxy that forwards the address", ["host: localhost", "x-forwarded-for: 192.0.2.1"]],
    [404, "a proxy that says so", ["host: localhost", "via: 1.1 proxy"]],
    [404, "a proxy after RFC 7239", ["host: localhost", "forwarded: for=192.0.2.1"]],
    [404, "a page of another site", ["host: localhost", "sec-fetch-site: cross-site"]],
  ])("is %i for %s", async (status, _, headers) => {
    expect(await statusOf(headers)).toBe(status);
    const name = readdirSync(mailFolder)[0]!.split(".")[0]!;
    expect(await statusOf(headers, at, `/dev/mail/${name}`)).toBe(status);
  });

  it("is 404 for HTTP/1.0, as nginx asks by default", async () =>
    expect(await statusOf(["host: localhost"], at, "/dev/mail", "1.0")).toBe(404));

  it.each([
    ["without a folder", { mailFolder: undefined }],
    ["behind proxies", { mailFolder, trustedProxies: 1 }],
    ["with a public name", { mailFolder, publicUrl: "https://souk.example" }],
  ])("is 404 for everybody %s", async (_, settings) => {
    const other = await gateway({ settings });
    expect(await statusOf(["host: localhost"], other)).toBe(404);
    await other.stop();
  });

  it.each([
    ["127.0.0.1", true],
    ["::ffff:127.0.0.1", true],
    ["::1", true],
    ["192.0.2.1", false],
    ["::ffff:10.0.0.1", false],
    [undefined, false],
  ])("is for clients at this machine: %s is one: %s", (remoteAddress, expected) =>
    expect(
      isFromThisMachine({
        socket: { remoteAddress } as never,
        headers: { host: "localhost" },
        httpVersion: "1.1",
      }),
    ).toBe(expected),
  );
});
