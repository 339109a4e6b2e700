/** Prices in the page's language, which may not be the browser's first. */
import * as format from "../../client/money/format.ts";
import * as parse from "../../client/money/parse.ts";
import { locale } from "./texts.ts";

export const formatPrice = (amount: number, currency: string) =>
  format.formatPrice(amount, currency, { locale });

export const toPriceInput = (amount: number, currency: string) =>
  format.toPriceInput(amount, currency, { locale });

export const parsePrice = (text: string, currency: string) =>
  parse.parsePrice(text, currency, { locale });
