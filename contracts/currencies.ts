/**
 * The currencies of ISO 4217 (list one of 2026-01-01) and the digits of their minor units. Everything that reads or writes a price uses
 * this table: ICU knows other digits for some currencies, and they change with the version of a browser.
 */

/** Currencies whose minor unit is not a hundredth, by the number of its digits. */
const unusual: Record<number, string> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

/** All other currencies in use. Codes without a minor unit, such as XAU and XXX, are no currencies of a market. */
const hundredths =
  "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE " +
  "CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK " +
  "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON " +
  "RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST " +
  "XAD XCD XCG YER ZAR ZMW ZWG";

/** The digits of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD. Old items may have a currency that is no longer in use: 2. */
export function currencyDigits(currency: string): number {
  for (const digits of [0, 3, 4]) if (unusual[digits]!.includes(currency)) return digits;
  return 2;
}

/** The codes of all currencies that a market can use. */
export const currencies = (): string[] =>
  [...Object.values(unusual), hundredths].join(" ").split(" ").sort();

/** The rule in words, for the API's documentation. */
export const digitsRule = () =>
  `The minor unit of a currency has ${Object.entries(unusual)
    .map(([digits, codes]) => `${digits} digits for ${codes.replaceAll(" ", ", ")}`)
    .join("; ")}; and 2 digits for all other currencies (ISO 4217).`;

/** The highest price, in minor units. */
export const maxAmount = 1_000_000_000;
