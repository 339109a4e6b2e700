import { languages } from "../../contracts/languages.ts";
import { language } from "./texts.ts";

/** The page's language for mails, if there are mails in it. */
export const mailLanguage = () => {
  const found = languages.find((one) => one === language);
  return found ? { language: found } : {};
};
