/** The texts of mails, in each language of contracts/languages.ts. */
import type { Language } from "../../../contracts/languages.ts";

const english = {
  hello: (name: string) => `Hello ${name},`,
  sale: {
    subject: (title: string) => `Sold: ${title}`,
    text: (title: string, price: string) => `Your item “${title}” was sold for ${price}.`,
    link: "See your sales",
  },
  notice: { link: "See your notices" },
  test: {
    subject: "A test of Souk’s mails",
    text: "This is a test: mails about sales reach you at this address.",
  },
  reason: (market: string) =>
    `You get this mail because no device of yours has shown this notice of ${market}.`,
  settings: "Choose how you are notified",
  verification: {
    subject: "Verify your email address",
    text: (market: string) =>
      `Open this link to verify your email address at ${market}. It is valid once, for 24 hours.`,
    link: "Verify this address",
    ignore:
      "If you have no account there, ignore this mail: somebody else has entered your address, and without the link nothing more is sent to it.",
  },
};
export type MailTexts = typeof english;

const german: MailTexts = {
  hello: (name) => `Guten Tag ${name},`,
  sale: {
    subject: (title) => `Verkauft: ${title}`,
    text: (title, price) => `Ihr Artikel „${title}“ wurde für ${price} verkauft.`,
    link: "Ihre Verkäufe ansehen",
  },
  notice: { link: "Ihre Benachrichtigungen ansehen" },
  test: {
    subject: "Eine Probe der E-Mails von Souk",
    text: "Dies ist eine Probe: E-Mails über Verkäufe erreichen Sie unter dieser Adresse.",
  },
  reason: (market) =>
    `Sie erhalten diese E-Mail, weil keines Ihrer Geräte diese Benachrichtigung von ${market} angezeigt hat.`,
  settings: "Wählen, wie Sie benachrichtigt werden",
  verification: {
    subject: "Bestätigen Sie Ihre E-Mail-Adresse",
    text: (market) =>
      `Öffnen Sie diesen Link, um Ihre E-Mail-Adresse bei ${market} zu bestätigen. Er gilt einmal und 24 Stunden lang.`,
    link: "Diese Adresse bestätigen",
    ignore:
      "Wenn Sie dort kein Konto haben, ignorieren Sie diese E-Mail: Jemand anderes hat Ihre Adresse angegeben, und ohne den Link wird nichts weiter an sie gesendet.",
  },
};

export const mailTexts: Record<Language, MailTexts> = { en: english, de: german };
