/** An object or list that is open at the current character. */
interface Open {
  /** The names of an object so far; undefined for a list. */
  names: Set<string> | undefined;
  /** The current name, or index of a list. */
  at: string | number;
}

/**
 * The dotted path of the first name that an object in this text has twice, `""` for an empty one; undefined without one. `JSON.parse` keeps the last
 * one, where a proxy may have read the first. The text must be valid JSON. Takes linear time.
 */
export function repeatedName(json: string): string | undefined {
  const open: Open[] = [];
  let top: Open | undefined;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === chars.quote) {
      const end = endOfText(json, at);
      // Only a name is followed by a colon.
      if (top?.names && isBeforeColon(json, end)) {
        const name = textOf(json.slice(at + 1, end - 1));
        top.at = name;
        if (top.names.has(name)) return open.map(({ at }) => (at === "" ? '""' : at)).join(".");
        top.names.add(name);
      }
      at = end - 1;
    } else if (char === chars.openObject || char === chars.openList) {
      top = char === chars.openObject ? { names: new Set(), at: "" } : { names: undefined, at: 0 };
      open.push(top);
    } else if (char === chars.closeObject || char === chars.closeList) {
      open.pop();
      top = open.at(-1);
    } else if (char === chars.comma && typeof top?.at === "number") top.at++;
  }
  return undefined;
}

/** Codes of characters: compared for each one, they cost a third of comparing texts. */
const code = (char: string) => char.charCodeAt(0);
const chars = {
  ...{ openObject: code("{"), closeObject: code("}"), openList: code("["), closeList: code("]") },
  ...{ quote: code('"'), comma: code(","), colon: code(":"), space: code(" ") },
  backslash: code("\\"),
};

/** The index after a quoted text that begins here. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(json: string, quote: number): boolean {
  let from = quote;
  while (json.charCodeAt(from - 1) === chars.backslash) from--;
  return (quote - from) % 2 === 1;
}

function isBeforeColon(json: string, end: number): boolean {
  let at = end;
  // All white space of JSON comes before the space.
  while (json.charCodeAt(at) <= chars.space) at++;
  return json.charCodeAt(at) === chars.colon;
}

/** The same name with and without an escape: `a` and `\u0061`. */
const textOf = (written: string): string =>
  written.includes("\\") ? (JSON.parse(`"${written}"`) as string) : written;
