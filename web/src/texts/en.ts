/** The texts of the page in English. The type of this catalogue is the type of every other one. */
import type { ErrorCode } from "../../../contracts/errors.ts";
import type { Content, Link, Sentences } from "../sentences.ts";

export const texts = ({ content, plural, text }: Sentences) => ({
  direction: "ltr" as "ltr" | "rtl",

  frame: {
    name: "Souk",
    skip: "Skip to content",
    home: "Souk, home",
    main: "Main",
    market: "Market",
    sell: "Sell",
    sales: "Sales",
    purchases: "Purchases",
    account: "Account",
    yourAccount: (name: string) => text`Your account, ${name}`,
    signIn: "Sign in",
    inbox: (unread: number) => plural(unread, { other: "Inbox, # unread" }),
    inboxUnknown: "Inbox, number of notices unknown",
    notLive: "Not live: new notices appear later",
    inboxNotLive: (inbox: string) => `${inbox}, not live`,
    search: "Search",
    searchMarket: "Search the market",
    latestNotices: "Latest notices",
    close: "Close",
    promise: "Every item is sold once, and every seller is notified.",
    developers: "For developers",
    windowTitleUnread: (unread: number, title: string) =>
      `${plural(unread, { other: "(#)" })} ${title}`,
    windowTitle: (heading: string) => text`${heading} · Souk`,
    noScript: (link: (href: string, label: string) => string) =>
      `This page needs JavaScript. The items are also available as ${link("/market/items", "JSON")}.`,
  },

  notFound: {
    heading: "Page not found",
    text: "There is no page at this address.",
    toMarket: "Go to the market",
  },

  outage: {
    offline:
      "You are offline. You see data that was loaded earlier. This page reconnects automatically.",
    server:
      "The market does not respond. You see data that was loaded earlier. This page reconnects automatically.",
    market: "The market is not available at the moment: you cannot browse or buy.",
    users:
      "Signing in is not available at the moment. You can still browse, and buy if you are signed in.",
    usersToo: "Signing in is not available either.",
    notifications: "Live updates are paused. You will get all notices when they resume.",
  },

  loading: {
    heading: "Loading",
    noAnswer: "The market does not respond.",
    retriesAutomatically: "This page tries again automatically.",
    retry: "Try again",
    more: "Show more",
    loadingMore: "Loading…",
  },

  /** By the code of the error, for views that have no text of their own. */
  errors: {
    BAD_DATA: "The market does not accept this input.",
    UNAUTHENTICATED: "Sign in first.",
    INVALID_CREDENTIALS: "The email address and the password do not match.",
    FORBIDDEN: "You are not allowed to do this.",
    OWN_ITEM: "This is your item.",
    NOT_FOUND: "There is nothing at this address.",
    ITEM_NOT_FOUND: "This item does not exist, or its seller has removed it.",
    ITEM_SOLD: "The item has already been sold.",
    METHOD_NOT_ALLOWED: "The market does not support this.",
    LINK_NOT_VALID: "This link is not valid, or no longer.",
    ALREADY_VERIFIED: "This email address is already verified.",
    EMAIL_TAKEN: "There is already an account with this email address. Sign in instead.",
    PRICE_CHANGED: "The price has changed.",
    ITEM_CHANGED: "The seller has changed this item.",
    TOO_MANY_WEBHOOKS: "You have as many webhooks as one user can have. Remove one first.",
    IDEMPOTENCY_KEY_REUSED:
      "This was sent before with other content. Look at what you have before you send it again.",
    TOO_LARGE: "The input is too large.",
    TOO_MANY_REQUESTS: "Too many requests. Try again later.",
    INTERNAL: "Something went wrong on our side.",
    UNAVAILABLE: "The market is not available at the moment.",
    TIMEOUT: "The market is not available at the moment.",
  } satisfies Record<ErrorCode, string>,
  error: {
    onThisPage: "Something went wrong on this page.",
    tooManyRequests: (seconds: number) =>
      plural(seconds, {
        one: "Too many requests. Try again in # second.",
        other: "Too many requests. Try again in # seconds.",
      }),
  },

  /** By the name of a field that the server refuses. */
  refused: {
    name: "The name must have 1 to 100 characters, and at least one that is visible.",
    email: "The email address is not valid.",
    password:
      "This password is easy to guess: it is common, a date, or close to your name or email address.",
    newPassword:
      "This password is easy to guess: it is common, a date, or close to your name or email address.",
    title: "The title must have 1 to 200 characters, and at least one that is visible.",
    price: "The price is not valid.",
    description: "The description must have at most 5,000 characters.",
    imageUrl: "The link to the picture is not valid.",
  },

  auth: {
    signIn: "Sign in",
    createAccount: "Create an account",
    create: "Create account",
    haveAccount: "I have an account",
    name: "Name",
    nameHint: "Other users see this name.",
    email: "Email address",
    password: "Password",
    passwordHint: "At least 8 characters.",
    showPassword: "Show password",
    nameMissing: "Enter your name.",
    emailMissing: "Enter your email address.",
    passwordMissing: "Enter your password.",
    passwordLength: "The password must have 8 to 256 characters.",
    tooManyAttempts: (seconds: number) =>
      plural(seconds, {
        one: "Too many attempts. Wait # second.",
        other: "Too many attempts. Wait # seconds.",
      }),
    unavailable: "Signing in is not available at the moment. Try again later.",
    welcome: (name: string) => text`Welcome, ${name}.`,
    pleaseWait: "Please wait",
    checking: "Checking whether you are signed in…",
    continuesAutomatically:
      "Signing in is not available at the moment. This page continues automatically.",
  },

  verification: {
    heading: "Verify your email address",
    checking: "Checking the link…",
    done: "Your email address is verified. Sales now also reach you by mail.",
    already: "Your email address is already verified. There is nothing left to do.",
    notValid: "This link is not valid, or no longer: it is valid once, for 24 hours.",
    sendAgainThere: "Sign in, and send the mail again from your account.",
    toAccount: "To your account",
    hint: (email: Content): Content =>
      content`Verify your email address: open the link in the mail to ${email}. Until then, sales do not reach you by mail.`,
    sendAgain: "Send the mail again",
    sent: "The mail is sent. It may take a few minutes.",
    tooMany: "The mail was sent three times in an hour. Try again later.",
  },

  account: {
    sellerPage: "View your seller page",
    signOut: "Sign out",
    signedOut: "You are signed out.",
    changePassword: "Change password",
    currentPassword: "Current password",
    newPassword: "New password",
    newPasswordHint: "At least 8 characters. You will be signed out on all other devices.",
    currentMissing: "Enter your current password.",
    currentWrong: "The current password is wrong.",
    samePassword: "The new password is the current one.",
    passwordChanged: "Your password is changed. You are signed out on all other devices.",
  },

  market: {
    windowTitle: "Souk: every item is sold once",
    heading: "One of each.",
    promise: "Every item is sold once, and its seller is notified immediately.",
    searchHeading: (words: string) => text`Search: ${words}`,
    sort: "Sort",
    sortOptions: {
      newest: "Newest first",
      price: "Lowest price first",
      "-price": "Highest price first",
    },
    show: "Show",
    soldOptions: { false: "For sale", true: "Sold", all: "All items" },
  },

  list: {
    allItems: "All items",
    none: "There are no items here yet.",
    offerFirst: "Sell the first item",
    noResults: "No items match your search.",
    noResultsHint: (link: Link): Content =>
      content`You can search for the beginnings of words: “lan” finds “lantern”. Or ${link("see all items")}.`,
    noneSoFar: "No items found so far.",
    searchOn: "Continue the search",
    found: (count: number) => plural(count, { one: "# item found.", other: "# items found." }),
    foundMore: (count: number) => plural(count, { other: "More than # items found." }),
    noneFound: "No items found.",
  },

  item: {
    heading: "Item",
    notFound: "Item not found",
    notFoundText: "This item does not exist, or its seller has removed it.",
    seeAll: "See all items",
    seller: (name: Content): Content => content`Seller: ${name}`,
    sellerUnknown: "unknown",
    soldAt: (time: Content): Content => content`Sold ${time}`,
    sold: "Sold",
    own: "This is your item.",
    pictureBroken: "The picture cannot be loaded.",
  },

  seller: {
    heading: (name: string) => text`Items by ${name}`,
    headingUnknown: "Items by this seller",
    notFound: "Seller not found",
    notFoundText: "This seller does not exist.",
  },

  buy: {
    buy: "Buy",
    buyFor: (price: string) => text`Buy for ${price}`,
    buying: "Buying…",
    buyItem: (title: string, price: string) => text`Buy ${title} for ${price}`,
    buyItemFor: (title: string, price: string) => text`Buy for ${price}: ${title}`,
    buyingItem: (title: string) => text`Buying… ${title}`,
    tryAgainItem: (title: string, price: string) => text`Try again to buy ${title} for ${price}`,
    bought: "You bought this item.",
    seePurchases: "See your purchases",
    sold: "Another buyer was faster: the item is sold.",
    removed: "The seller has removed this item.",
    unavailable: "The market is not available. Try again: you cannot buy an item twice.",
    priceChanged: (price: string) => text`The price has changed to ${price}.`,
    priceChangedReload: "The price has changed. Reload the page before you buy.",
    changed: "The seller has changed this item. Look at it again before you buy.",
    changedReload: "The seller has changed this item. Reload the page first.",
  },

  offer: {
    heading: "Sell an item",
    submit: "Put up for sale",
    done: "Your item is for sale.",
    edit: "Edit",
    editHeading: "Edit your item",
    save: "Save changes",
    saved: "Your changes are saved.",
    notForSale: "The item is no longer for sale.",
    title: "Title",
    titleMissing: "Enter a title.",
    price: (currency: string) => `Price in ${currency}`,
    priceMissing: "Enter a price.",
    priceInvalid: (example: string) => text`Enter the price as a number, for example ${example}.`,
    priceNegative: "A price cannot be negative.",
    priceOtherCurrency: (currency: string) => text`Prices here are in ${currency}.`,
    priceTooPrecise: (example: string) =>
      text`The price has too many decimal places. Enter it like this: ${example}.`,
    priceRange: (lowest: string, highest: string) =>
      text`Enter a price from ${lowest} to ${highest}.`,
    priceQuestion: "Which price do you mean?",
    priceUnclear: "Choose the price that you mean.",
    description: "Description",
    picture: "Picture",
    pictureBroken: "No picture can be loaded from this link. Buyers would see a drawn one.",
    draftKept: "This is the draft that you left here.",
    discardDraft: "Discard the draft",
    draftDiscarded: "The draft is discarded.",
    pictureHint: "A link that begins with https://. Without one, the page draws a picture.",
    pictureInvalid: "Enter a link to a picture, which begins with https://.",
    preview: "Your item",
    remove: "Remove",
    removeHeading: "Remove this item?",
    removeText: (title: string): Content => content`“${title}” will be removed from the market.`,
    removed: "The item is removed.",
    cancel: "Cancel",
  },

  orders: {
    purchases: "My purchases",
    noPurchases: "You have not bought anything yet.",
    browse: "Browse the market",
    sales: "My sales",
    sold: "Sold",
    forSale: "For sale",
    noSales: "You have not sold anything yet.",
    offer: "Sell an item",
    soldTo: (buyer: Content, time: Content): Content => content`to ${buyer}, ${time}`,
    boughtFrom: (seller: Content, time: Content): Content => content`from ${seller}, ${time}`,
    aBuyer: "a buyer",
    aSeller: "a seller",
  },

  inbox: {
    heading: "Inbox",
    new: "New",
    earlier: "Earlier",
    none: "No new notices.",
    noneHint: "Keep this page open: it shows you every sale immediately.",
    polling: "This page is not live: it cannot connect, and looks for new notices regularly.",
    paused: "This page is not live at the moment, and cannot look for new notices.",
    lastUpdate: (time: Content): Content => content`Last update: ${time}.`,
    refresh: "Look now",
    noneEarlier: "No earlier notices.",
    newNotices: "New notices",
    earlierNotices: "Earlier notices",
    unread: (count: number) => plural(count, { other: "# unread" }),
    markAllRead: "Mark all as read",
    allRead: "All notices are marked as read.",
    read: "Read",
    markRead: (title: string) => text`Mark as read: ${title}`,
    soldAt: (time: Content): Content => content`Sold, ${time}`,
    soldFor: (price: string) => text`sold for ${price}`,
    whenSold: "When an item is sold",
    playSound: "Play a sound",
    showDesktop: "Show a desktop notification",
  },
});

export type Texts = ReturnType<typeof texts>;
