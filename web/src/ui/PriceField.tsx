/** A price as people type it. When the text has two meanings, the field asks which one is meant. */
import { useId } from "preact/hooks";
import { maxAmount } from "../../../contracts/currencies.ts";
import type { PriceReading } from "../../../client/money/parse.ts";
import { formatPrice, parsePrice, toPriceInput } from "../prices.ts";
import { t } from "../texts.ts";
import { Field } from "./Field.tsx";

const examplePrice = 4_500;

/** The amount that was chosen for a text with two meanings. */
export interface ChosenPrice {
  text: string;
  amount: number;
}

export const readPrice = (
  text: string,
  currency: string,
  chosen: ChosenPrice | undefined,
): PriceReading => (chosen?.text === text ? { amount: chosen.amount } : parsePrice(text, currency));

export interface PriceFieldProps {
  currency: string;
  reading: PriceReading;
  choose(amount: number): void;
  value: string;
  onInput(event: { currentTarget: HTMLInputElement }): void;
  error: string | undefined;
}

export function PriceField({ currency, reading, choose, error, ...input }: PriceFieldProps) {
  const choices = "choices" in reading ? reading.choices : [];
  return (
    <div class="field">
      <Field
        label={t.offer.price(currency)}
        name="price"
        inputMode="decimal"
        placeholder={toPriceInput(examplePrice, currency)}
        required
        {...input}
        // After a choice, the question is answered.
        error={"amount" in reading ? undefined : error}
      />
      <div role="status">
        {choices.length > 0 && <Choices {...{ choices, currency, choose }} />}
      </div>
    </div>
  );
}

interface ChoicesProps {
  choices: number[];
  currency: string;
  choose(amount: number): void;
}

function Choices({ choices, currency, choose }: ChoicesProps) {
  const id = useId();
  return (
    <div class="choices" role="group" aria-labelledby={id}>
      <span id={id}>{t.offer.priceQuestion}</span>
      {choices.map((amount) => (
        <button
          key={amount}
          type="button"
          class="button is-secondary is-small"
          onClick={({ currentTarget }) => {
            // The button disappears.
            currentTarget.closest(".field")?.querySelector("input")?.focus();
            choose(amount);
          }}
        >
          {formatPrice(amount, currency)}
        </button>
      ))}
    </div>
  );
}

/** What is wrong with a text without an amount. */
export function priceFault(reading: PriceReading, currency: string): string {
  if (!("fault" in reading)) return t.offer.priceUnclear;
  const priced = (amount: number) => formatPrice(amount, currency);
  switch (reading.fault) {
    case "empty":
      return t.offer.priceMissing;
    case "notANumber":
      return t.offer.priceInvalid(toPriceInput(examplePrice, currency));
    case "negative":
      return t.offer.priceNegative;
    case "otherCurrency":
      return t.offer.priceOtherCurrency(currency);
    case "tooPrecise":
      return t.offer.priceTooPrecise(priced(examplePrice));
    case "outOfRange":
      return t.offer.priceRange(priced(1), priced(maxAmount));
  }
}
