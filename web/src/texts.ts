/** The page's texts in the visitor's language. Each file of texts/ is a language, named by its BCP 47 tag. */
import { chooseLanguage } from "./language.ts";
import { sentencesIn, type Sentences } from "./sentences.ts";
import { texts as english, type Texts } from "./texts/en.ts";

/** English is part of the page. The other languages are loaded when a visitor needs one. */
const others = import.meta.glob<(sentences: Sentences) => Texts>(
  ["./texts/*.ts", "!./texts/en.ts"],
  { import: "texts" },
);
const languages = new Map(
  Object.entries(others).map(([path, load]) => [
    path.slice("./texts/".length, -".ts".length),
    load,
  ]),
);

/** The catalogue, English until `loadTexts` resolves. Modules read it when they render, not when they are loaded. */
export let t = english(sentencesIn("en"));

/** The catalogue's own tag: "de". */
export let language = "en";

/** The visitor's own tag of the language, for numbers and dates: "de-AT" for the catalogue "de". */
export let locale = "en";

/** Loads the texts of the first of the browser's languages that there is. Does not reject: without them, the page is English. */
export async function loadTexts(): Promise<void> {
  const choice = chooseLanguage(navigator.languages, ["en", ...languages.keys()]);
  const load = languages.get(choice.language);
  try {
    if (load) t = (await load())(sentencesIn(choice.language));
    language = choice.language;
    locale = choice.tag;
  } catch {
    return;
  }
  const root = document.documentElement;
  [root.lang, root.dir] = [choice.language, t.direction];
}
