/** Mails to a mail server that fails in every way, and to texts that try to become headers. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { parseSmtpUrl } from "../../broker/env/smtp-url.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { noticeMail, verificationMail } from "../../services/deliveries/mail/content.ts";
import { isMailable, mailMessage } from "../../services/deliveries/mail/message.ts";
import { outcomeOf, Smtp } from "../../services/deliveries/mail/smtp.ts";
import { decoded, MailServer } from "../support/mail-server.ts";

const from = { name: "Souk", address: "noreply@souk.example" };
const origin = "https://souk.example";
const now = new Date("2026-11-28T09:30:00.000Z");

const saleOf = (title: string) => ({
  ...{ id: "s1", type: "sale", text: "Item #1 was sold!", createdAt: now.toISOString() },
  data: {
    ...{ itemId: "1", saleId: "s1", title, price: 150_000, currency: "EUR", buyerId: "b" },
    soldAt: now.toISOString(),
  },
});
const unsubscribeUrl = `${origin}/notifications/unsubscribe/${"token".repeat(20)}`;
const saleMail = (
  title: string,
  { key = "mail.u.s1", name = "Ann", to = "ann@souk.test", language = "en" as "en" | "de" } = {},
) =>
  mailMessage(noticeMail(saleOf(title), { name, language, origin }), {
    ...{ key, from, to, now, unsubscribeUrl },
  });

const running: { stop(): Promise<unknown> | unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});
function smtpTo(url: string, allowPlaintext = false): Smtp {
  const smtp = new Smtp(parseSmtpUrl(url, allowPlaintext)!);
  running.push({ stop: () => smtp.close() });
  return smtp;
}
async function serverWith(behaviour: Parameters<typeof MailServer.start>[0] = {}) {
  const server = await MailServer.start(behaviour);
  const smtp = smtpTo(server.url);
  running.push(server);
  return { server, smtp };
}

describe("a mail about a sale", () => {
  it("has text and HTML, both headers of one-click unsubscription unfolded, and nothing that is loaded", async () => {
    const { server, smtp } = await serverWith();

    expect(await smtp.send(saleMail("Lámpara"))).toEqual({ state: "delivered" });

    const { raw, from: sender, to, headers } = server.mails[0]!;
    expect([sender, to]).toEqual(["noreply@souk.example", ["ann@souk.test"]]);
    expect(raw).toContain(`\r\nList-Unsubscribe: <${unsubscribeUrl}>\r\n`);
    expect(raw).toContain("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    expect(headers.get("auto-submitted")).toBe("auto-generated");
    const text = decoded(raw);
    expect(text).toContain("Your item “Lámpara” was sold for €1,500.00.");
    expect(text).toContain(`<a href="${origin}/shop/sales">`);
    expect(text).not.toMatch(/<img|<script|<link|url\(|src=/i);
  });

  it("is in the user's language", async () => {
    const { server, smtp } = await serverWith();
    await smtp.send(saleMail("Lampe", { language: "de" }));
    expect(decoded(server.mails[0]!.raw)).toMatch(
      /Ihr Artikel „Lampe“ wurde für 1\.500,00\s€ verkauft/,
    );
  });

  it.each([
    "A lamp\r\nBcc: victim@souk.test",
    "A lamp\nBcc: victim@souk.test\n\nBuy this",
    "A lamp\u2028Bcc: victim@souk.test",
    "A lamp\u0085Bcc: victim@souk.test",
    "A lamp\u0000\u0007\u001b[31m",
    "\r\n\r\n<script>alert(1)</script>",
    "=?UTF-8?Q?=0D=0ABcc:_victim@souk.test?=",
    "<victim@souk.test>, ann@souk.test",
    "x".repeat(5_000),
    "\u202Egnp.exe\u2066",
    ".\r\n.\r\nMAIL FROM:<evil@souk.test>\r\nRCPT TO:<victim@souk.test>\r\nDATA\r\n",
  ])("has no header and no recipient from a title or a name: %j", async (text) => {
    const { server, smtp } = await serverWith();
    await smtp.send(saleMail("A lamp"));
    await smtp.send(saleMail(text, { name: text }));

    expect(server.mails).toHaveLength(2);
    const [plain, given] = server.mails;
    expect([given!.from, given!.to]).toEqual([plain!.from, plain!.to]);
    expect(given!.names).toEqual(plain!.names);
    expect(given!.headers.get("to")).toBe("ann@souk.test");
    expect(given!.headers.get("subject")!.length).toBeLessThan(1_000);
    const [shown = "", html = ""] = decoded(given!.raw).split("<!doctype html>");
    expect(html).not.toContain("<script");
    for (const character of ["\u202E", "\u001b", "\u0000"])
      expect(shown + html).not.toContain(character);
  });

  it("has one Message-ID in all repeats of a delivery, and others for other deliveries", () => {
    const ids = ["mail.u.s1", "mail.u.s1", "mail.u.s2"].map((key) => saleMail("A lamp", { key }));
    const [first, again, other] = ids.map(({ messageId }) => messageId);
    expect(first).toBe(again);
    expect(first).not.toBe(other);
    expect(first).toMatch(/^<[\w-]{32}@souk\.example>$/);
  });

  it.each([
    ["ann@souk.test", true],
    ["o'hara+x@xn--bcher-kva.example", true],
    ["ann,bob@souk.test", false],
    ["<ann@souk.test>", false],
    ["ann@souk.test\r\nRCPT TO:<x@y>", false],
    ['"ann"@souk.test', false],
  ])("is sent to %s: %s", (address, expected) => expect(isMailable(address)).toBe(expected));
});

it("the mail that verifies an address has nothing that its sender could choose, and its token in the fragment", () => {
  const { subject, text, html } = verificationMail("u.l.secret", { language: "en", origin });
  expect(text).toContain(`${origin}/verify#u.l.secret`);
  expect(html).toContain(`href="${origin}/verify#u.l.secret"`);
  expect(subject).toBe("Verify your email address");
});

describe("a mail server that", () => {
  it("asks to try again later (greylisting) gets the mail at the next attempt", async () => {
    const { server, smtp } = await serverWith({
      refuse: (_, attempt) => (attempt === 1 ? 451 : undefined),
    });
    const mail = saleMail("A lamp");
    expect(await smtp.send(mail)).toEqual({
      state: "retry",
      reason: "The mail server asked to try again later with code 451.",
    });
    expect(await smtp.send(mail)).toEqual({ state: "delivered" });
    expect(server.mails).toHaveLength(1);
  });

  it("refuses one recipient refuses that mail for good, and gets the others", async () => {
    const { server, smtp } = await serverWith({
      refuse: (address) => (address.startsWith("gone") ? 550 : undefined),
    });
    const outcomes = await Promise.all(
      ["ann", "gone", "bob"].map((name) =>
        smtp.send(saleMail("A lamp", { to: `${name}@souk.test` })),
      ),
    );
    expect(outcomes.map(({ state }) => state)).toEqual(["delivered", "refused", "delivered"]);
    expect(JSON.stringify(outcomes)).not.toContain("gone@");
    expect(server.mails).toHaveLength(2);
  });

  it("takes a mail and cuts the connection gets it again, with the same Message-ID", async () => {
    const { server, smtp } = await serverWith({ dropAfter: (attempt) => attempt === 1 });
    const mail = saleMail("A lamp");
    expect(await smtp.send(mail)).toMatchObject({ state: "retry", isDown: true });
    expect(server.mails).toHaveLength(1);
    expect(await smtp.send(mail)).toEqual({ state: "delivered" });
    expect(new Set(server.mails.map(({ headers }) => headers.get("message-id"))).size).toBe(1);
    expect(server.mails).toHaveLength(2);
  });

  it("does not exist is tried again", async () => {
    const smtp = smtpTo(`smtp://127.0.0.1:${await freePort()}`);
    expect(await smtp.send(saleMail("A lamp"))).toMatchObject({ state: "retry", isDown: true });
  });

  it("closes every connection, or says nothing, is tried again within 12 s", async () => {
    const outcomes = await Promise.all(
      [true, false].map(async (isClosing) => {
        const silent = createServer((socket) => void (isClosing && socket.destroy()));
        silent.listen(0, "127.0.0.1");
        await once(silent, "listening");
        running.push({ stop: () => silent.close() });
        const begun = performance.now();
        const { port } = silent.address() as AddressInfo;
        const outcome = await smtpTo(`smtp://127.0.0.1:${port}`).send(saleMail("A lamp"));
        return { ...outcome, isInTime: performance.now() - begun < 12_000 };
      }),
    );
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ state: "retry", isDown: true, isInTime: true });
  }, 30_000);

  it("refuses the sign-in is tried again, because an operator can correct it", async () => {
    const options = {
      ...{ authOptional: false, allowInsecureAuth: true },
      onAuth: (_auth: unknown, _session: unknown, done: (error: Error) => void) =>
        done(Object.assign(new Error("No"), { responseCode: 535 })),
    };
    const { server } = await serverWith({ options: options as never });
    const smtp = smtpTo(server.url.replace("//", "//ann:secret@"));
    const outcome = await smtp.send(saleMail("A lamp"));
    expect(outcome).toMatchObject({ state: "retry", isDown: true });
    expect(JSON.stringify(outcome)).not.toMatch(/secret|ann/);
    expect(server.mails).toEqual([]);
  });

  it("offers no TLS gets no mail from another machine", async () => {
    const { server } = await serverWith();
    const settings = { ...parseSmtpUrl(server.url)!, isLocal: false, needsTls: true };
    const smtp = new Smtp(settings);
    running.push({ stop: () => smtp.close() });
    expect(await smtp.send(saleMail("A lamp"))).toMatchObject({ state: "retry", isDown: true });
    expect(server.mails).toEqual([]);
  });
});

it.each([
  [{ code: "EENVELOPE", command: "MAIL FROM", responseCode: 550 }, "retry", true],
  [{ code: "EENVELOPE", command: "RCPT TO", responseCode: 550 }, "refused", undefined],
  [{ code: "EENVELOPE", command: "RCPT TO", responseCode: 452 }, "retry", undefined],
  [{ code: "EMESSAGE", command: "DATA", responseCode: 554 }, "refused", undefined],
  [{ code: "EMESSAGE", command: "DATA", responseCode: 421 }, "retry", true],
  [{ code: "EENVELOPE", command: "RCPT TO", responseCode: 421 }, "retry", true],
  [{ code: "EAUTH", command: "AUTH PLAIN", responseCode: 535 }, "retry", true],
  [{ code: "ETLS", command: "STARTTLS" }, "retry", true],
  [{ code: "EABORT" }, "retry", true],
])("the failure %j means %s", (failure, state, isDown) => {
  const outcome = outcomeOf(Object.assign(new Error("x"), failure));
  expect([outcome.state, "isDown" in outcome ? outcome.isDown : undefined]).toEqual([
    state,
    isDown,
  ]);
});
