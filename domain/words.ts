const maxWord = 64;

/** The distinct words of a text, folded: lower case, no accents. What `search` finds is kept by, and asked for, through this. */
export function words(text: string): string[] {
  const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return [
    ...new Set(
      (folded.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => [...word].slice(0, maxWord).join("")),
    ),
  ];
}
