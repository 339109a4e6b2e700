/** What people can see of a text. The page imports this too, so it has no other imports. */

/**
 * Characters that show nothing, for a character class of a RegExp with the flag u: white space and controls, all that Unicode says to
 * ignore in display (zero-width and bidirectional marks, soft hyphens, Hangul fillers, variation selectors, tags), and characters
 * whose glyph is empty (the Braille blank, annotation and hieroglyphic controls, the Khitan filler, the null notehead, the object replacement).
 */
export const invisible =
  "\\u{16FE4}\\p{White_Space}\\p{Cc}\\p{Default_Ignorable_Code_Point}\\u2800\\uFFF9-\\uFFFC\\u{13430}-\\u{1343F}\\u{1D159}";

const blank = new RegExp(`^[${invisible}]*$`, "u");

/** Whether nothing of a text is visible. The contract refuses such titles and names. */
export const isBlank = (text: string): boolean => blank.test(text);
