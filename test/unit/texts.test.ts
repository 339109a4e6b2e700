/** Texts that people type: what is blank, what changes the direction around it, and email addresses. */
import fc from "fast-check";
import { checker } from "../../broker/validator.ts";
import { actions } from "../../contracts/actions.ts";
import { isBlank } from "../../contracts/visible.ts";
import { newAccount, toProfile, toUser } from "../../domain/account.ts";
import { contained } from "../../domain/bidi.ts";
import { canonicalEmail, signInEmail } from "../../domain/email.ts";
import { toNotification } from "../../domain/inbox.ts";
import { offered, revised } from "../../domain/offer.ts";
import { saleNotice, toItem, toSale } from "../../domain/sale.ts";

const faultsOf = (action: "market.offer" | "market.revise" | "users.register", params: object) =>
  checker(actions[action].params)(params).map(({ field }) => field);
const registration = { email: "a@souk.test", password: "correct horse", name: "Ann" };

describe("a text without anything visible", () => {
  it.each([
    ["space", " "],
    ["ideographic space", "\u3000"],
    ["zero-width space", "\u200B"],
    ["zero-width joiner", "\u200D"],
    ["word joiner", "\u2060"],
    ["byte order mark", "\uFEFF"],
    ["soft hyphen", "\u00AD"],
    ["combining grapheme joiner", "\u034F"],
    ["Hangul filler", "\u3164"],
    ["halfwidth Hangul filler", "\uFFA0"],
    ["Hangul choseong and jungseong fillers", "\u115F\u1160"],
    ["Khmer inherent vowels", "\u17B4\u17B5"],
    ["Mongolian separators", "\u180B\u180E"],
    ["Braille blank", "\u2800"],
    ["bidirectional override", "\u202E"],
    ["bidirectional isolate", "\u2066\u2069"],
    ["bidirectional marks", "\u200E\u200F\u061C"],
    ["variation selector", "\uFE0F"],
    ["supplementary variation selector", "\u{E0100}"],
    ["tags", "\u{E0001}\u{E0041}\u{E007F}"],
    ["musical controls", "\u{1D159}\u{1D173}"],
    ["shorthand control", "\u{1BCA0}"],
    ["annotation and object replacement", "\uFFF9\uFFFC"],
    ["combining mark", "\u0301"],
    ["vowel sign", "\u093F"],
    ["enclosing mark", "\u20E3"],
    ["some of all", " \u200B\u3164\u2800\uFE0F\u0308"],
  ])("of %s is refused as a title and as a name", (_what, text) => {
    for (const blank of [text, text.repeat(3), ` ${text} `]) {
      expect(isBlank(blank)).toBe(true);
      expect(faultsOf("market.offer", { title: blank, price: 1 })).toEqual(["title"]);
      expect(faultsOf("market.revise", { id: "1", title: blank })).toEqual(["title"]);
      expect(faultsOf("users.register", { ...registration, name: blank })).toEqual(["name"]);
      expect(faultsOf("market.offer", { title: `${blank}x`, price: 1 })).toEqual([]);
    }
  });

  it.each([
    "·",
    "👩\u200D🚀",
    "❤\uFE0F",
    "한",
    "ᄀ",
    "⠁",
    "é",
    "\u0600",
    "0",
    "🏴\u{E0067}\u{E007F}",
    "ا",
  ])("does not include %s", (text) => {
    expect(isBlank(text)).toBe(false);
    expect(faultsOf("market.offer", { title: text, price: 1 })).toEqual([]);
  });

  it("is refused with lone surrogates too, and lengths are in code points", () => {
    for (const title of ["a\uD83D", "\uDE00a", "\uDE00\uD83D"])
      expect(faultsOf("market.offer", { title, price: 1 })).toEqual(["title"]);
    expect(faultsOf("market.offer", { title: "😀".repeat(200), price: 1 })).toEqual([]);
    expect(faultsOf("market.offer", { title: "😀".repeat(201), price: 1 })).toEqual(["title"]);
  });
});

describe("a character", () => {
  const faults = (action: keyof typeof actions, params: object) =>
    checker(actions[action].params)(params);

  it.each([
    ["NUL", "U+0000"],
    ["a bell", "U+0007"],
    ["a vertical tab", "U+000B"],
    ["a form feed", "U+000C"],
    ["an escape", "U+001B"],
    ["a delete", "U+007F"],
    ["a C1 line break", "U+0085"],
    ["the last control", "U+009F"],
    ["half of a surrogate pair", "U+D83D"],
    ["a noncharacter for processes", "U+FDD0"],
    ["the last noncharacter of a plane", "U+FFFF"],
    ["one of another plane", "U+1FFFE"],
    ["the last code point", "U+10FFFF"],
  ])("like %s (%s) is refused in titles, descriptions and names, with one fault", (_what, name) => {
    const text = `A ${String.fromCodePoint(Number(name.replace("U+", "0x")))} lamp`;
    const message = `has a character that is not allowed: ${name}`;
    const description = [{ field: "description", message }];
    expect(faults("market.offer", { title: text, price: 1 })).toEqual([
      { field: "title", message },
    ]);
    expect(faults("market.revise", { id: "1", title: text })).toEqual([
      { field: "title", message },
    ]);
    const offer = { title: "Lamp", price: 1, description: `\n${text}` };
    expect(faults("market.offer", offer)).toEqual(description);
    expect(faults("users.register", { ...registration, name: text })).toEqual([
      { field: "name", message },
    ]);
    const webhook = { url: "https://shop.example/", description: text };
    expect(faults("notifications.addWebhook", webhook)).toEqual(description);
  });

  it.each(["\t", "\n", "\r\n", "\u2028", "\u2029"])(
    "that ends a line or stretches it, %j, is accepted in descriptions only",
    (text) => {
      expect(faults("market.offer", { title: "Lamp", price: 1, description: `a${text}b` })).toEqual(
        [],
      );
      expect(faultsOf("market.offer", { title: `a${text}b`, price: 1 })).toEqual(["title"]);
      expect(faultsOf("users.register", { ...registration, name: `a${text}b` })).toEqual(["name"]);
    },
  );

  it("that versions up to 0.1.0 accepted is still read", () => {
    const stored = { id: "1", title: "a\x07\nb", description: "\x1B", price: 1, currency: "EUR" };
    const item = {
      ...{ ...stored, imageUrl: null, sellerId: "2", isSold: false, revision: 0, soldAt: null },
      createdAt: "2026-11-28T09:30:00.000Z",
    };
    expect(checker(actions["market.item"].result)(item)).toEqual([]);
    expect(checker(actions["users.profile"].result)({ id: "1", name: "\u0301" })).toEqual([]);
  });
});

describe("bidirectional controls", () => {
  const [LRE, RLE, PDF, LRO, RLO, LRI, RLI, FSI, PDI] = [
    ..."\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069",
  ] as [string, string, string, string, string, string, string, string, string];

  it.each([
    ["an open override", `a${RLO}b`, "ab"],
    ["an open isolate", `a${RLI}b`, "ab"],
    ["an end without a beginning", `a${PDI}b${PDF}c`, "abc"],
    ["a pair", `${RLE}a${PDF}`, `${RLE}a${PDF}`],
    ["an isolate", `${FSI}a${PDI} ${LRI}b${PDI}`, `${FSI}a${PDI} ${LRI}b${PDI}`],
    [
      "nested pairs",
      `${LRE}${RLI}${LRO}a${PDF}${PDI}${PDF}`,
      `${LRE}${RLI}${LRO}a${PDF}${PDI}${PDF}`,
    ],
    ["one of two", `${RLO}${RLO}a${PDF}`, `${RLO}a${PDF}`],
    ["an embedding that its isolate ends", `${RLI}${RLO}a${PDI}b${PDF}`, `${RLI}a${PDI}b`],
    [
      "an isolate across an embedding's end",
      `${LRE}${RLI}a${PDF}b${PDI}${PDF}`,
      `${LRE}${RLI}ab${PDI}${PDF}`,
    ],
    ["pairs in two paragraphs", `${RLO}a\nb${PDF}\u2029${RLI}c\rd${PDI}`, "a\nb\u2029c\rd"],
  ])("of %s: only pairs are kept", (_what, text, kept) => expect(contained(text)).toBe(kept));

  it("leave nothing open and end nothing before them, however they are arranged", () => {
    const some = fc.array(fc.constantFrom(LRE, RLE, PDF, LRO, RLO, LRI, RLI, FSI, PDI, "a", "\n"));
    fc.assert(
      fc.property(some, (parts) => {
        const text = contained(parts.join(""));
        expect(contained(text)).toBe(text);
        for (const paragraph of text.split("\n")) {
          let rest = paragraph;
          for (let before = ""; before !== rest;) {
            before = rest;
            rest = rest.replace(/[\u202A\u202B\u202D\u202E]a*\u202C|[\u2066-\u2068]a*\u2069/g, "");
          }
          expect(rest).toMatch(/^a*$/);
        }
      }),
    );
  });

  it("are contained in titles, descriptions, names and notices, also in those that are stored already", () => {
    const by = { id: "1", sellerId: "s", currency: "EUR", now: new Date(0) };
    const typed = { title: `${RLO} Lamp`, description: `x${PDI}` };
    const item = offered({ ...typed, price: 1 }, by);
    expect(item).toMatchObject({ title: "Lamp", description: "x" });
    expect(revised(item, typed).$set).toMatchObject({ title: "Lamp", description: "x" });
    const former = { ...item, title: `a${RLO}`, description: `${RLI}b` };
    expect(toItem(former)).toMatchObject({ title: "a", description: "b" });
    const sale = toSale({ ...former, saleId: "s", buyerId: "b", soldAt: item.createdAt });
    expect(saleNotice(sale).data.title).toBe("a");

    const account = newAccount({ id: "u", email: "a@b", name: `${RLO}Ann` }, "", new Date(0));
    expect(account.name).toBe("Ann");
    const formerAccount = { ...account, name: `Ann${RLI}` };
    expect([toUser(formerAccount).name, toProfile(formerAccount).name]).toEqual(["Ann", "Ann"]);

    const data = JSON.stringify({ title: `a${RLO}`, price: 1 });
    const stored = { id: "n", type: "sale", text: `Sold${RLO}`, data, createdAt: item.createdAt };
    expect(toNotification(stored as never)).toMatchObject({
      text: "Sold",
      data: { title: "a", price: 1 },
    });
  });
});

describe("an email address", () => {
  const accepts = (email: string) =>
    faultsOf("users.register", { ...registration, email }).length === 0 &&
    canonicalEmail(email) !== undefined;

  it.each([
    ["Info@EXÄMPLE.test", "info@xn--exmple-cua.test"],
    ["info@exa\u0308mple.test", "info@xn--exmple-cua.test"],
    ["info@XN--EXMPLE-CUA.test", "info@xn--exmple-cua.test"],
    ["a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"],
    ["a@ｅxample.test", "a@example.test"],
    ["a@faß.de", "a@xn--fa-hia.de"],
    ["a@пример.рф", "a@xn--e1afmkfd.xn--p1ai"],
    ["a@مثال.إختبار", "a@xn--mgbh0fb.xn--kgbechtv"],
    ["a@soft\u00ADhyphen.test", "a@softhyphen.test"],
    ["First.Last+tag@mail.souk.test", "first.last+tag@mail.souk.test"],
    ["o'brien_1!#$%&*/=?^`{|}~-x@souk.test", "o'brien_1!#$%&*/=?^`{|}~-x@souk.test"],
    ["root@localhost", "root@localhost"],
    ["a@1and1.test", "a@1and1.test"],
  ])("%s has one account, as %s", (email, canonical) => {
    expect(accepts(email)).toBe(true);
    expect([canonicalEmail(email), canonicalEmail(canonical)]).toEqual([canonical, canonical]);
  });

  it.each([
    ..."<alice@example.test>|mailto:alice@example.test|Alice <alice@example.test>|a b@example.test".split(
      "|",
    ),
    ..." a@example.test|a@example.test |a@exa mple.test|a@@example.test|a@b@example.test|@example.test|a@".split(
      "|",
    ),
    ..."a|.a@example.test|a.@example.test|a..b@example.test|a@.example.test|a@example.test.|a@example..test".split(
      "|",
    ),
    ..."a@-example.test|a@example-.test|a@[127.0.0.1]|a@127.0.0.1|a@1.2|a@example.test:25|a@ex/ample.test".split(
      "|",
    ),
    ..."a@ex%41mple.test|a,b@example.test|a;b@example.test|a:b@example.test|(a)@example.test|a\\b@example.test".split(
      "|",
    ),
    ...[
      '"a b"@example.test',
      "a@example.test\n",
      "a\n@example.test",
      "a\0@example.test",
      "a\x7F@example.test",
    ],
    ...[
      "a@exam\u202Eple.test",
      "a@\uD800.test",
      "a@\u00A0.test",
      "ä@example.test",
      "a@example.test,b@example.test",
    ],
    ...[`${"a".repeat(65)}@example.test`, `a@${"b".repeat(64)}.test`, `a@${"ä".repeat(60)}.test`],
    ...[`a@${"b.".repeat(130)}test`, "a@xn--ä.test", "a@\u200B", "a@。"],
  ])("%j is refused", (email) => expect(accepts(email)).toBe(false));

  it("that 0.1.0 registered still signs in", () => {
    for (const email of ["<alice@example.test>", "mailto:Alice@example.test", "a..b@[127.0.0.1]"]) {
      expect(checker(actions["users.login"].params)({ email, password: "12345678" })).toEqual([]);
      expect(signInEmail(email)).toBe(email.toLowerCase());
    }
    expect(signInEmail("A@EXÄMPLE.test")).toBe("a@xn--exmple-cua.test");
  });
});
