import { formatPrice, toPriceInput } from "../../client/money/format.ts";
import { parsePrice } from "../../client/money/parse.ts";
import { currencies } from "../../contracts/currencies.ts";
import { locales } from "../support/locales.ts";

/** From 1 to the highest price, of every magnitude. */
const someAmount = () => Math.ceil(10 ** (Math.random() * 9));

it("reads a price of every currency in every language as it was written, or asks", () => {
  const misread = locales().flatMap((locale) =>
    currencies().flatMap((currency) => {
      const amount = someAmount();
      return [formatPrice, toPriceInput].flatMap((write) => {
        const text = write(amount, currency, { locale });
        const reading = parsePrice(text, currency, { locale });
        const meant =
          "amount" in reading ? [reading.amount] : "choices" in reading ? reading.choices : [];
        return meant.includes(amount) ? [] : [{ locale, currency, amount, text, reading }];
      });
    }),
  );
  expect(misread).toEqual([]);
}, 1_800_000);
