/** The market's name, which is the same in every language. Not in names.ts: the page imports nothing that the worker does (web/worker-build.ts). */
export const market = "Souk";
