import { globals } from "./globals.ts";

/** 128 random bits, in digits and hyphens. */
export const newKey = () => globals.crypto.getRandomValues(new Uint32Array(4)).join("-");
