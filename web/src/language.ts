/** Which of the available languages a visitor reads best. */
export interface Choice {
  /** One of the available languages. */
  language: string;
  /** The visitor's tag that selected it. */
  tag: string;
}

/**
 * The first preferred tag with an available language, after RFC 4647 (lookup): "de-AT" selects "de". Without one, English.
 * `preferred` are BCP 47 tags, the best first.
 */
export function chooseLanguage(preferred: readonly string[], available: string[]): Choice {
  for (const tag of preferred) {
    const subtags = tag.split("-");
    for (let count = subtags.length; count > 0; count--) {
      const range = subtags.slice(0, count).join("-").toLowerCase();
      const language = available.find((one) => one.toLowerCase() === range);
      if (language) return { language, tag };
    }
  }
  return { language: "en", tag: "en" };
}
