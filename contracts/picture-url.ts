/** The page imports this too, so it has no other imports. */

/** The contract's pattern: an http(s) URL, or a path of this server. */
export const picturePattern =
  "^([hH][tT][tT][pP][sS]?://[^\\s/\\\\]|/(?![/\\\\]))[^\\s\\\\\\u0000\\uD800-\\uDFFF]*$";

const pattern = new RegExp(picturePattern, "u");

/** Whether browsers can load a picture from the text: the pattern also matches some that are no URL. Nor may it show a password to all. */
export function isPictureUrl(text: string): boolean {
  if (!pattern.test(text)) return false;
  if (text.startsWith("/")) return true;
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === "" && password === "";
}
