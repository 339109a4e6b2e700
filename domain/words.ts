import { composed, fold } from "./fold.ts";

/** A search asks for at most this many words: the longest, which fewest items have. */
const maxAsked = 8;
/** Stored per item, with the marker. */
const maxStored = 200;
/** Words are read until this many, distinct or not: a limit on the time that a description of repetitions takes. */
const maxRead = 1000;
/** The same for a search. A hundred characters that are not folded to longer ones have at most fifty words. */
const maxReadAsked = 50;
/** Longer words are cut, in stored items and in searches alike. */
const maxLength = 24;
/** The same for words of a dense script, in characters. */
const maxDenseLength = 8;
/** Of a longer run without punctuation and spaces, only the beginning is read. */
const maxRun = 500;

/** The first element of the words that this version stores. It is no word: no search matches it, and it sorts before all words. */
const marker = "!2";
/** Matches the items whose words version 0.1.0 wrote. An item that has no words does not need any. */
export const formerWords = { "words.0": { $gte: "0" } };

/** Scripts that do not separate words with spaces; and Hangul, which writes compounds without. */
const dense = String.raw`[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tai_Le}\p{sc=New_Tai_Lue}\p{sc=Tai_Tham}\p{sc=Tai_Viet}]`;
/** Without the apostrophes that Unicode counts as letters: "d’olive" is two words, whichever apostrophe it has. */
const letter = String.raw`[[\p{L}\p{N}]--[ʹ-ˁ]]`;
/** Letters and digits with their marks: all of dense scripts, or all of other scripts. */
const run = new RegExp(
  `(?<dense>[${letter}&&${dense}][[${letter}\\p{M}]&&${dense}]*)|[${letter}--${dense}][[${letter}\\p{M}]--${dense}]*`,
  "gv",
);
/** A letter with its marks; in Hangul a syllable. */
const character = /.[\p{M}\u1160-\u11FF]*/gsu;

/** One instance, because it is expensive to make. The locale is fixed: otherwise it would be the machine's. */
const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** The folded runs of a text: each a list of words, and each word a list of characters. Outside of dense scripts a run is one word, taken as one character. */
function* runsOf(text: string): Generator<string[][]> {
  const visible = composed(text);
  let segments: Intl.Segments | undefined;
  for (const { 0: found, index, groups } of visible.matchAll(run))
    if (groups!.dense) {
      segments ??= segmenter.segment(visible);
      yield wordsWithin(segments, index, found.length);
    } else yield [[cut(fold(found))]];
}

/** The words of a dense run, which begins at `start`. */
function wordsWithin(segments: Intl.Segments, start: number, length: number): string[][] {
  const words = [];
  const end = start + Math.min(length, maxRun);
  for (let at = start; at < end;) {
    const { segment, index } = segments.containing(at)!;
    words.push(fold(segment).match(character) ?? []);
    at = index + segment.length;
  }
  return words;
}

const cut = (word: string) =>
  word.length > maxLength ? [...word].slice(0, maxLength).join("") : word;

const from = (characters: string[], start: number) =>
  characters.slice(start, start + maxDenseLength).join("");

/** Each word, in dense scripts with the text that follows: its prefixes are the searches that begin with the word. */
function* wordStarts(runs: Iterable<string[][]>): Generator<string> {
  for (const words of runs) {
    const characters = words.flat();
    let start = 0;
    for (const { length } of words) {
      yield from(characters, start);
      start += length;
    }
  }
}

/** The text that follows each character of a dense script. */
function* characterStarts(runs: Iterable<string[][]>): Generator<string> {
  for (const words of runs) {
    const characters = words.flat();
    for (const start of characters.keys()) yield from(characters, start);
  }
}

/**
 * The words to store with an item: at most 200 distinct ones, those of the title first, after a marker. Where a dense
 * text is divided into words depends on what surrounds a word and on the version of the dictionary. A search
 * finds any part of a title all the same, because all its characters count as starts; in a description, only the words.
 */
export function storedWords(item: { title: string; description: string }): string[] {
  const stored = new Set([marker]);
  let read = 0;
  for (const word of startsOf(item)) {
    if (word) stored.add(word);
    if (stored.size === maxStored || ++read === maxRead) break;
  }
  return [...stored];
}

function* startsOf({ title, description }: { title: string; description: string }) {
  yield* wordStarts(runsOf(title));
  yield* characterStarts(runsOf(title));
  yield* wordStarts(runsOf(description));
}

/** The words of a search, the longest first: at most eight, none of them the beginning of another. */
export function askedWords(search: string): string[] {
  const words = new Set<string>();
  let read = 0;
  for (const run of runsOf(search)) {
    for (const word of run) words.add(from(word, 0));
    read += run.length;
    if (read >= maxReadAsked) break;
  }
  const asked: string[] = [];
  for (const word of [...words].sort((a, b) => b.length - a.length))
    if (word && !asked.some((longer) => longer.startsWith(word))) asked.push(word);
  return asked.slice(0, maxAsked);
}
