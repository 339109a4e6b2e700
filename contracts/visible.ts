/** What people can see of a text. The page imports this too, so it has no other imports. */

/**
 * Characters that show nothing, for a character class of a RegExp with the flag u: white space and controls, all that Unicode says to
 * ignore in display (zero-width and bidirectional marks, soft hyphens, Hangul fillers, variation selectors, tags), and characters
 * whose glyph is empty (the Braille blank, annotation and hieroglyphic controls, the Khitan filler, the null notehead, the object replacement).
 */
export const invisible =
  "\\u{16FE4}\\p{White_Space}\\p{Cc}\\p{Default_Ignorable_Code_Point}\\u2800\\uFFF9-\\uFFFC\\u{13430}-\\u{1343F}\\u{1D159}";

/** The same, and marks: without a letter before them they have nothing to stand on. */
export const invisibleAlone = `${invisible}\\p{M}`;

const blank = new RegExp(`^[${invisibleAlone}]*$`, "u");

/** Whether nothing of a text is visible. The contract refuses such titles and names. */
export const isBlank = (text: string): boolean => blank.test(text);

/** Characters that no text may have, for a character class: controls, except tabs and line breaks, and halves of surrogate pairs. */
export const notText = "\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F\\uD800-\\uDFFF";
/** Characters that a text of one line may not have either. */
export const notInLine = "\\t\\n\\r\\u2028\\u2029";
/** Code points that Unicode will never assign. */
export const noncharacter = "\\p{Noncharacter_Code_Point}";

const unfit = [`${notText}${noncharacter}`, notInLine].map((set) => new RegExp(`[${set}]`, "u"));

/** The first character that a text, or a text of one line, may not have, as U+0000. Undefined without any. */
export function unfitCharacter(text: string): string | undefined {
  const [found] = unfit.flatMap((set) => set.exec(text) ?? []);
  return found && `U+${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}
