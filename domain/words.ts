const maxWordLength = 64;

/** The distinct words of a text, folded: lower case, no accents. Both stored items and searches use it. */
export function words(text: string): string[] {
  const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return [
    ...new Set(
      (folded.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) =>
        [...word].slice(0, maxWordLength).join(""),
      ),
    ),
  ];
}
