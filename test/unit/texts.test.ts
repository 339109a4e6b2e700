import { readdirSync } from "node:fs";
import { join } from "node:path";
import { chooseLanguage } from "../../web/src/language.ts";
import { isolate, sentencesIn, text } from "../../web/src/sentences.ts";
import type { texts } from "../../web/src/texts/en.ts";

const folder = join(import.meta.dirname, "../../web/src/texts");
type Catalogue = { [name: string]: string | Catalogue | ((...values: unknown[]) => unknown) };

/** The catalogues by language. */
const catalogues = Object.fromEntries(
  await Promise.all(
    readdirSync(folder).map(async (file) => {
      const language = file.slice(0, -3);
      const module = (await import(join(folder, file))) as { texts: typeof texts };
      return [language, module.texts(sentencesIn(language)) as unknown as Catalogue] as const;
    }),
  ),
);

/** Every text by its path. Functions get a value that can be recognised for each parameter. */
function textsOf(catalogue: Catalogue, path = ""): Record<string, string> {
  const flat = Object.entries(catalogue).map(([name, value]) => {
    const at = path ? `${path}.${name}` : name;
    if (typeof value === "object") return textsOf(value, at);
    if (typeof value === "string") return { [at]: value };
    const values = Array.from({ length: value.length }, (_, n) => parameter(at, n));
    return { [at]: rendered(value(...values)) };
  });
  return Object.assign({}, ...flat) as Record<string, string>;
}

/** The text of a string, an element or a list of both. */
function rendered(content: unknown): string {
  if (Array.isArray(content)) return content.map(rendered).join("");
  const { props } = content as { props?: { children: unknown } };
  return props ? rendered(props.children) : String(content);
}

const numeric =
  /^(frame\.inbox|error\.tooManyRequests|auth\.tooManyAttempts|list\.found(More)?|inbox\.unread)$/;
const linking = /^(frame\.noScript|list\.noResultsHint)$/;
function parameter(at: string, n: number): unknown {
  if (numeric.test(at)) return 7;
  return linking.test(at) ? (...parts: string[]) => `<${parts.join(" ")}>` : `<${n}>`;
}

const english = textsOf(catalogues.en!);

describe.each(Object.keys(catalogues).filter((language) => language !== "en"))(
  "the catalogue %s",
  (language) => {
    const translated = textsOf(catalogues[language]!);

    it("has every text of the English one", () => {
      expect(Object.keys(translated).sort()).toEqual(Object.keys(english).sort());
      expect(Object.entries(translated).filter(([, one]) => !one.trim())).toEqual([]);
    });

    it("uses every value of a text", () => {
      const valuesOf = (one: string) => (one.match(/<\d>|\b7\b|<\//g) ?? []).sort();
      const differing = Object.keys(english).filter(
        (at) => String(valuesOf(english[at]!)) !== String(valuesOf(translated[at]!)),
      );
      expect(differing).toEqual([]);
    });

    it("ends whole sentences like the English one, and other texts without a full stop", () => {
      const isSentence = (one: string) => /[.?]$/.test(one);
      const differing = Object.keys(english).filter(
        (at) => isSentence(english[at]!) !== isSentence(translated[at]!),
      );
      expect(differing).toEqual([]);
    });
  },
);

it.each([
  [["de-AT", "en"], "de", "de-AT"],
  [["de"], "de", "de"],
  [["DE-ch"], "de", "DE-ch"],
  [["fr-FR", "de-DE", "en"], "de", "de-DE"],
  [["en-GB", "de"], "en", "en-GB"],
  [["zh-Hant-TW"], "zh-Hant", "zh-Hant-TW"],
  [["zh-Hans"], "en", "en"],
  [["den", "deutsch"], "en", "en"],
  [[], "en", "en"],
])("for visitors who read %j, the page is in %s", (preferred, language, tag) =>
  expect(chooseLanguage(preferred, ["en", "de", "zh-Hant"])).toEqual({ language, tag }),
);

it("isolates values that could reorder a sentence, and closes what they leave open", () => {
  expect(text`Buy ${"a lamp"} now`).toBe("Buy a lamp now");
  expect(text`Buy ${"فانوس"} now`).toBe("Buy \u2068فانوس\u2069 now");
  expect(isolate("מנורה 2")).toBe("\u2068מנורה 2\u2069");
  expect(isolate("evil \u202Egpj.exe")).toBe("\u2068evil gpj.exe\u2069");
  expect(isolate("a\u2069b")).toBe("\u2068ab\u2069");
});

it("selects the plural by the rules of the language, and writes numbers in its digits", () => {
  const forms = { one: "# item", few: "# few", other: "# items" };
  expect([0, 1, 2, 1234].map((n) => sentencesIn("en").plural(n, forms))).toEqual([
    "0 items",
    "1 item",
    "2 items",
    "1,234 items",
  ]);
  expect(sentencesIn("cs").plural(3, forms)).toBe("3 few");
  expect(sentencesIn("de").plural(1234, forms)).toBe("1.234 items");
});
