/** The locales that Intl knows, and some with other digits, marks or places of the currency's sign. */
const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const special = (
  "ar-EG ar-KW ar-MA de-AT de-CH de-LI en-AT en-CH en-IN en-ZA es-MX es-PA fr-CA fr-CH it-CH pt-CV pt-PT sr-Latn " +
  "uz-Arab pa-Arab ff-Adlm zh-Hant-HK zh-u-nu-hanidec hi-u-nu-deva th-u-nu-thai de-u-nu-fullwide en-u-nu-mathsanb my-u-nu-mymrshan"
).split(" ");

let known: string[] | undefined;

export function locales(): string[] {
  const pairs = letters.flatMap((first) => letters.map((second) => first + second));
  const triples = pairs.flatMap((pair) => letters.map((third) => pair + third));
  known ??= [...Intl.NumberFormat.supportedLocalesOf([...pairs, ...triples]), ...special];
  return known;
}
