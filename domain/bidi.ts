const controls = /[\u202A-\u202E\u2066-\u2069]/;
/** Embeddings and overrides (LRE, RLE, LRO, RLO), which PDF ends; isolates (LRI, RLI, FSI), which PDI ends. */
const [embedding, pdf, isolate, pdi] = [
  /[\u202A\u202B\u202D\u202E]/,
  "\u202C",
  /[\u2066-\u2068]/,
  "\u2069",
];
/** A paragraph ends all of them. */
const paragraphEnds = new Set(["\n", "\r", "\x1C", "\x1D", "\x1E", "\x85", "\u2029"]);

/**
 * A text without the bidirectional controls that have no partner in it (UAX #9, BD8 to BD11): they would change the order of what a reader
 * shows after it, or end the isolation around it. It is never longer. `contained(contained(x))` is `contained(x)`.
 */
export const contained = (text: string): string =>
  controls.test(text) ? withoutUnpaired([...text]) : text;

function withoutUnpaired(characters: string[]): string {
  const paired = new Set<number>();
  /** The positions of open controls. */
  let open: number[] = [];
  const isIsolate = (position: number) => isolate.test(characters[position]!);
  for (const [n, character] of characters.entries()) {
    if (paragraphEnds.has(character)) open = [];
    else if (embedding.test(character) || isolate.test(character)) open.push(n);
    else if (character === pdf && open.length > 0 && !isIsolate(open.at(-1)!))
      paired.add(open.pop()!).add(n);
    else if (character === pdi && open.some(isIsolate)) {
      // It also ends the embeddings inside its isolate.
      const [start] = open.splice(open.findLastIndex(isIsolate));
      paired.add(start!).add(n);
    }
  }
  return characters.filter((one, n) => !controls.test(one) || paired.has(n)).join("");
}
