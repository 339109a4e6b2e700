/** Die Texte der Seite auf Deutsch. */
import type { Sentences } from "../sentences.ts";
import type { Texts } from "./en.ts";

export const texts = ({ content, plural, text }: Sentences): Texts => ({
  direction: "ltr",

  frame: {
    name: "Souk",
    skip: "Zum Inhalt springen",
    home: "Souk, Startseite",
    main: "Hauptnavigation",
    market: "Markt",
    sell: "Verkaufen",
    sales: "Verkäufe",
    purchases: "Einkäufe",
    account: "Konto",
    yourAccount: (name) => text`Ihr Konto, ${name}`,
    signIn: "Anmelden",
    inbox: (unread) => plural(unread, { other: "Posteingang, # ungelesen" }),
    inboxUnknown: "Posteingang, Anzahl der Benachrichtigungen unbekannt",
    notLive: "Nicht live: Neue Benachrichtigungen erscheinen später",
    inboxNotLive: (inbox) => `${inbox}, nicht live`,
    search: "Suchen",
    searchMarket: "Artikel suchen",
    latestNotices: "Neueste Benachrichtigungen",
    close: "Schließen",
    promise: "Jeder Artikel wird nur einmal verkauft, und jeder Verkäufer wird benachrichtigt.",
    developers: "Für Entwickler",
    windowTitleUnread: (unread, title) => `${plural(unread, { other: "(#)" })} ${title}`,
    windowTitle: (heading) => text`${heading} · Souk`,
    noScript: (link) =>
      `Diese Seite benötigt JavaScript. Die Artikel sind auch als ${link("/market/items", "JSON")} verfügbar.`,
  },

  notFound: {
    heading: "Seite nicht gefunden",
    text: "Unter dieser Adresse gibt es keine Seite.",
    toMarket: "Zum Markt",
  },

  outage: {
    offline:
      "Sie sind offline und sehen bereits geladene Daten. Die Seite verbindet sich automatisch wieder.",
    server:
      "Der Markt antwortet nicht. Sie sehen bereits geladene Daten. Die Seite verbindet sich automatisch wieder.",
    market: "Der Markt ist zurzeit nicht verfügbar: Sie können weder stöbern noch kaufen.",
    users:
      "Die Anmeldung ist zurzeit nicht verfügbar. Sie können weiter stöbern und, wenn Sie angemeldet sind, kaufen.",
    usersToo: "Auch die Anmeldung ist nicht verfügbar.",
    notifications:
      "Die Live-Aktualisierung ist unterbrochen. Sie erhalten alle Benachrichtigungen, sobald sie wieder läuft.",
  },

  loading: {
    heading: "Wird geladen",
    noAnswer: "Der Markt antwortet nicht.",
    retriesAutomatically: "Die Seite versucht es automatisch erneut.",
    retry: "Erneut versuchen",
    more: "Mehr anzeigen",
    loadingMore: "Wird geladen…",
  },

  errors: {
    BAD_DATA: "Der Markt nimmt diese Eingabe nicht an.",
    UNAUTHENTICATED: "Melden Sie sich zuerst an.",
    INVALID_CREDENTIALS: "E-Mail-Adresse und Passwort passen nicht zusammen.",
    FORBIDDEN: "Das ist Ihnen nicht erlaubt.",
    OWN_ITEM: "Das ist Ihr eigener Artikel.",
    NOT_FOUND: "Unter dieser Adresse gibt es nichts.",
    ITEM_NOT_FOUND: "Diesen Artikel gibt es nicht, oder der Verkäufer hat ihn entfernt.",
    ITEM_SOLD: "Der Artikel ist bereits verkauft.",
    METHOD_NOT_ALLOWED: "Der Markt unterstützt das nicht.",
    LINK_NOT_VALID: "Dieser Link ist ungültig oder nicht mehr gültig.",
    ALREADY_VERIFIED: "Diese E-Mail-Adresse ist bereits bestätigt.",
    EMAIL_TAKEN: "Zu dieser E-Mail-Adresse gibt es bereits ein Konto. Melden Sie sich damit an.",
    PRICE_CHANGED: "Der Preis hat sich geändert.",
    ITEM_CHANGED: "Der Verkäufer hat den Artikel geändert.",
    TOO_MANY_WEBHOOKS:
      "Sie haben so viele Webhooks, wie ein Konto haben kann. Entfernen Sie zuerst einen.",
    IDEMPOTENCY_KEY_REUSED:
      "Dies wurde schon mit anderem Inhalt gesendet. Sehen Sie nach, was vorhanden ist, bevor Sie es erneut senden.",
    TOO_LARGE: "Die Eingabe ist zu groß.",
    TOO_MANY_REQUESTS: "Zu viele Anfragen. Versuchen Sie es später erneut.",
    INTERNAL: "Beim Markt ist ein Fehler aufgetreten.",
    UNAVAILABLE: "Der Markt ist zurzeit nicht verfügbar.",
    TIMEOUT: "Der Markt ist zurzeit nicht verfügbar.",
  },
  error: {
    onThisPage: "Auf dieser Seite ist ein Fehler aufgetreten.",
    tooManyRequests: (seconds) =>
      plural(seconds, {
        one: "Zu viele Anfragen. Versuchen Sie es in # Sekunde erneut.",
        other: "Zu viele Anfragen. Versuchen Sie es in # Sekunden erneut.",
      }),
  },

  refused: {
    name: "Der Name muss 1 bis 100 Zeichen haben, davon mindestens ein sichtbares.",
    email: "Die E-Mail-Adresse ist ungültig.",
    password:
      "Dieses Passwort ist leicht zu erraten: Es ist verbreitet, ein Datum oder Ihrem Namen oder Ihrer E-Mail-Adresse ähnlich.",
    newPassword:
      "Dieses Passwort ist leicht zu erraten: Es ist verbreitet, ein Datum oder Ihrem Namen oder Ihrer E-Mail-Adresse ähnlich.",
    title: "Der Titel muss 1 bis 200 Zeichen haben, davon mindestens ein sichtbares.",
    price: "Der Preis ist ungültig.",
    description: "Die Beschreibung darf höchstens 5.000 Zeichen haben.",
    imageUrl: "Der Link zum Bild ist ungültig.",
  },

  auth: {
    signIn: "Anmelden",
    createAccount: "Konto erstellen",
    create: "Konto erstellen",
    haveAccount: "Ich habe ein Konto",
    name: "Name",
    nameHint: "Andere Nutzer sehen diesen Namen.",
    email: "E-Mail-Adresse",
    password: "Passwort",
    passwordHint: "Mindestens 8 Zeichen.",
    showPassword: "Passwort anzeigen",
    nameMissing: "Geben Sie Ihren Namen ein.",
    emailMissing: "Geben Sie Ihre E-Mail-Adresse ein.",
    passwordMissing: "Geben Sie Ihr Passwort ein.",
    passwordLength: "Das Passwort muss 8 bis 256 Zeichen haben.",
    tooManyAttempts: (seconds) =>
      plural(seconds, {
        one: "Zu viele Versuche. Warten Sie # Sekunde.",
        other: "Zu viele Versuche. Warten Sie # Sekunden.",
      }),
    unavailable: "Die Anmeldung ist zurzeit nicht verfügbar. Versuchen Sie es später erneut.",
    welcome: (name) => text`Willkommen, ${name}.`,
    pleaseWait: "Bitte warten",
    checking: "Es wird geprüft, ob Sie angemeldet sind…",
    continuesAutomatically:
      "Die Anmeldung ist zurzeit nicht verfügbar. Die Seite fährt automatisch fort.",
  },

  verification: {
    heading: "E-Mail-Adresse bestätigen",
    checking: "Der Link wird geprüft…",
    done: "Ihre E-Mail-Adresse ist bestätigt. Verkäufe erreichen Sie jetzt auch per E-Mail.",
    already: "Ihre E-Mail-Adresse ist bereits bestätigt. Es ist nichts mehr zu tun.",
    notValid:
      "Dieser Link ist ungültig oder nicht mehr gültig: Er gilt einmal und 24 Stunden lang.",
    sendAgainThere: "Melden Sie sich an und senden Sie die E-Mail in Ihrem Konto erneut.",
    toAccount: "Zu Ihrem Konto",
    hint: (email) =>
      content`Bestätigen Sie Ihre E-Mail-Adresse: Öffnen Sie den Link in der E-Mail an ${email}. Bis dahin erreichen Verkäufe Sie nicht per E-Mail.`,
    sendAgain: "E-Mail erneut senden",
    sent: "Die E-Mail ist gesendet. Es kann einige Minuten dauern.",
    tooMany: "Die E-Mail wurde in einer Stunde dreimal gesendet. Versuchen Sie es später erneut.",
  },

  account: {
    sellerPage: "Ihre Verkäuferseite ansehen",
    signOut: "Abmelden",
    signedOut: "Sie sind abgemeldet.",
    changePassword: "Passwort ändern",
    currentPassword: "Aktuelles Passwort",
    newPassword: "Neues Passwort",
    newPasswordHint: "Mindestens 8 Zeichen. Auf allen anderen Geräten werden Sie abgemeldet.",
    currentMissing: "Geben Sie Ihr aktuelles Passwort ein.",
    currentWrong: "Das aktuelle Passwort ist falsch.",
    samePassword: "Das neue Passwort ist das aktuelle.",
    passwordChanged: "Ihr Passwort ist geändert. Auf allen anderen Geräten sind Sie abgemeldet.",
  },

  market: {
    windowTitle: "Souk: jeder Artikel nur einmal",
    heading: "Jedes nur einmal.",
    promise:
      "Jeder Artikel wird nur einmal verkauft, und sein Verkäufer wird sofort benachrichtigt.",
    searchHeading: (words) => text`Suche: ${words}`,
    sort: "Sortieren",
    sortOptions: {
      newest: "Neueste zuerst",
      price: "Niedrigster Preis zuerst",
      "-price": "Höchster Preis zuerst",
    },
    show: "Anzeigen",
    soldOptions: { false: "Zu verkaufen", true: "Verkauft", all: "Alle Artikel" },
  },

  list: {
    allItems: "Alle Artikel",
    none: "Hier gibt es noch keine Artikel.",
    offerFirst: "Den ersten Artikel verkaufen",
    noResults: "Kein Artikel passt zu Ihrer Suche.",
    noResultsHint: (link) =>
      content`Sie können nach Wortanfängen suchen: „lat“ findet „Laterne“. Oder ${link("alle Artikel ansehen")}.`,
    noneSoFar: "Bisher keine Artikel gefunden.",
    searchOn: "Weitersuchen",
    found: (count) => plural(count, { one: "# Artikel gefunden.", other: "# Artikel gefunden." }),
    foundMore: (count) => plural(count, { other: "Mehr als # Artikel gefunden." }),
    noneFound: "Keine Artikel gefunden.",
  },

  item: {
    heading: "Artikel",
    notFound: "Artikel nicht gefunden",
    notFoundText: "Diesen Artikel gibt es nicht, oder der Verkäufer hat ihn entfernt.",
    seeAll: "Alle Artikel ansehen",
    seller: (name) => content`Verkäufer: ${name}`,
    sellerUnknown: "unbekannt",
    soldAt: (time) => content`Verkauft ${time}`,
    sold: "Verkauft",
    own: "Das ist Ihr eigener Artikel.",
    pictureBroken: "Das Bild kann nicht geladen werden.",
  },

  seller: {
    heading: (name) => text`Artikel von ${name}`,
    headingUnknown: "Artikel dieses Verkäufers",
    notFound: "Verkäufer nicht gefunden",
    notFoundText: "Diesen Verkäufer gibt es nicht.",
  },

  buy: {
    buy: "Kaufen",
    buyFor: (price) => text`Kaufen für ${price}`,
    buying: "Wird gekauft…",
    buyItem: (title, price) => text`Kaufen: ${title} für ${price}`,
    buyItemFor: (title, price) => text`Kaufen für ${price}: ${title}`,
    buyingItem: (title) => text`Wird gekauft… ${title}`,
    tryAgainItem: (title, price) => text`Erneut versuchen: ${title} für ${price} kaufen`,
    bought: "Sie haben diesen Artikel gekauft.",
    seePurchases: "Ihre Einkäufe ansehen",
    sold: "Ein anderer Käufer war schneller: Der Artikel ist verkauft.",
    removed: "Der Verkäufer hat diesen Artikel entfernt.",
    unavailable:
      "Der Markt ist nicht verfügbar. Versuchen Sie es erneut: Sie können einen Artikel nicht zweimal kaufen.",
    priceChanged: (price) => text`Der Preis ist jetzt ${price}.`,
    priceChangedReload: "Der Preis hat sich geändert. Laden Sie die Seite neu, bevor Sie kaufen.",
    changed:
      "Der Verkäufer hat diesen Artikel geändert. Sehen Sie ihn noch einmal an, bevor Sie kaufen.",
    changedReload: "Der Verkäufer hat diesen Artikel geändert. Laden Sie die Seite zuerst neu.",
  },

  offer: {
    heading: "Artikel verkaufen",
    submit: "Zum Verkauf anbieten",
    done: "Ihr Artikel steht zum Verkauf.",
    edit: "Bearbeiten",
    editHeading: "Artikel bearbeiten",
    save: "Änderungen speichern",
    saved: "Ihre Änderungen sind gespeichert.",
    notForSale: "Der Artikel steht nicht mehr zum Verkauf.",
    title: "Titel",
    titleMissing: "Geben Sie einen Titel ein.",
    price: (currency) => `Preis in ${currency}`,
    priceMissing: "Geben Sie einen Preis ein.",
    priceInvalid: (example) => text`Geben Sie den Preis als Zahl ein, zum Beispiel ${example}.`,
    priceNegative: "Ein Preis kann nicht negativ sein.",
    priceOtherCurrency: (currency) => text`Die Preise hier sind in ${currency}.`,
    priceTooPrecise: (example) =>
      text`Der Preis hat zu viele Nachkommastellen. Geben Sie ihn so ein: ${example}.`,
    priceRange: (lowest, highest) => text`Geben Sie einen Preis von ${lowest} bis ${highest} ein.`,
    priceQuestion: "Welcher Preis ist gemeint?",
    priceUnclear: "Wählen Sie den Preis aus, den Sie meinen.",
    description: "Beschreibung",
    picture: "Bild",
    pictureBroken: "Von diesem Link lässt sich kein Bild laden. Käufer sähen ein gezeichnetes.",
    draftKept: "Das ist der Entwurf, den Sie hier zurückgelassen haben.",
    discardDraft: "Entwurf verwerfen",
    draftDiscarded: "Der Entwurf ist verworfen.",
    pictureHint: "Ein Link, der mit https:// beginnt. Ohne Link zeichnet die Seite ein Bild.",
    pictureInvalid: "Geben Sie einen Link zu einem Bild ein, der mit https:// beginnt.",
    preview: "Ihr Artikel",
    remove: "Entfernen",
    removeHeading: "Diesen Artikel entfernen?",
    removeText: (title) => content`„${title}“ wird vom Markt entfernt.`,
    removed: "Der Artikel ist entfernt.",
    cancel: "Abbrechen",
  },

  orders: {
    purchases: "Meine Einkäufe",
    noPurchases: "Sie haben noch nichts gekauft.",
    browse: "Auf dem Markt stöbern",
    sales: "Meine Verkäufe",
    sold: "Verkauft",
    forSale: "Zu verkaufen",
    noSales: "Sie haben noch nichts verkauft.",
    offer: "Artikel verkaufen",
    soldTo: (buyer, time) => content`an ${buyer}, ${time}`,
    boughtFrom: (seller, time) => content`von ${seller}, ${time}`,
    aBuyer: "einen Käufer",
    aSeller: "einem Verkäufer",
  },

  inbox: {
    heading: "Posteingang",
    new: "Neu",
    earlier: "Früher",
    none: "Keine neuen Benachrichtigungen.",
    noneHint: "Lassen Sie diese Seite offen: Sie zeigt jeden Verkauf sofort.",
    polling:
      "Diese Seite ist nicht live: Sie kann keine Verbindung herstellen und sucht regelmäßig nach neuen Benachrichtigungen.",
    paused:
      "Diese Seite ist zurzeit nicht live und kann nicht nach neuen Benachrichtigungen suchen.",
    lastUpdate: (time) => content`Letzte Aktualisierung: ${time}.`,
    refresh: "Jetzt suchen",
    noneEarlier: "Keine früheren Benachrichtigungen.",
    newNotices: "Neue Benachrichtigungen",
    earlierNotices: "Frühere Benachrichtigungen",
    unread: (count) => plural(count, { other: "# ungelesen" }),
    markAllRead: "Alle als gelesen markieren",
    allRead: "Alle Benachrichtigungen sind als gelesen markiert.",
    read: "Gelesen",
    markRead: (title) => text`Als gelesen markieren: ${title}`,
    soldAt: (time) => content`Verkauft, ${time}`,
    soldFor: (price) => text`für ${price} verkauft`,
    whenSold: "Wenn ein Artikel verkauft wird",
    playSound: "Ton abspielen",
    showDesktop: "Desktop-Benachrichtigung anzeigen",
  },
});
