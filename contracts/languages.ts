/** The languages of what Souk sends. The page has its own texts, and imports this, so it has no other imports. */
export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];
