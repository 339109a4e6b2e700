/** Sentences with values. Values in a sentence are isolated: a title in Arabic does not reorder an English sentence. */
import { h, type ComponentChildren } from "preact";

/** Content of an element: text, or an element such as a link. */
export type Content = ComponentChildren;

/** Makes a link of its label. The view decides where it leads. */
export type Link = (label: string) => Content;

const bidiControls = /[\u202A-\u202E\u2066-\u2069]/g;
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;
const rightToLeftScripts =
  /[\p{Script=Nko}\p{Script=Adlam}\p{Script=Samaritan}\p{Script=Mandaic}]/u;

/** The text between U+2068 and U+2069, if it could reorder the sentence that it stands in. */
export function isolate(value: string): string {
  const isNeeded =
    value.search(bidiControls) >= 0 || rightToLeft.test(value) || rightToLeftScripts.test(value);
  return isNeeded ? `\u2068${value.replace(bidiControls, "")}\u2069` : value;
}

/** A sentence as a string, for accessible names, announcements and titles: text`Buy ${title} for ${price}`. */
export const text = (parts: TemplateStringsArray, ...values: string[]): string =>
  parts.reduce((sentence, part, n) => sentence + isolate(values[n - 1]!) + part);

/** A sentence as content. Its values can be elements: content`Seller: ${name}`. */
export const content = (parts: TemplateStringsArray, ...values: Content[]): Content =>
  parts.flatMap((part, n) => (n === 0 ? [part] : [h("bdi", null, values[n - 1]), part]));

type Forms = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

/** What a file of texts/ is written with. It gets it as an argument, because a language that imported it would split the script. */
export interface Sentences {
  text: typeof text;
  content: typeof content;
  /** Selects the form of a number in the language, and writes the number in place of `#`. */
  plural(count: number, forms: Forms): string;
}

export function sentencesIn(language: string): Sentences {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const plural: Sentences["plural"] = (count, forms) =>
    (forms[rules.select(count)] ?? forms.other).replace("#", numbers.format(count));
  return { text, content, plural };
}
