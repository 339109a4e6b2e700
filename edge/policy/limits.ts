/** So many within so many seconds. */
export interface RateLimit {
  max: number;
  seconds: number;
}

/**
 * How much one client may ask for, before RATE_SCALE multiplies it. Far above what people do, and low enough that one machine cannot
 * take the shop down. A network is an IPv4 address or an IPv6 /64; behind one there may be a whole office.
 */
export const rateLimits = {
  /** HTTP requests, to whatever path, but for health. Thousands may come in the same instant; the average is what a node serves beside its other work. */
  requestsByNetwork: { max: 4_000, seconds: 10 },
  /** As before: 1,000 at once are admitted, also of one user. */
  requestsByUser: { max: 2_000, seconds: 10 },

  /** The guesses that one network has at one account's password. */
  failuresByNetworkAndAccount: { max: 10, seconds: 60 },
  /** The guesses that all networks together have at one account's password, until it counts as besieged… */
  failuresByAccount: { max: 100, seconds: 60 },
  /** …and each network has these left. Never none: else strangers could lock an account, and its owner comes from a network that did not guess. */
  failuresUnderAttack: { max: 3, seconds: 60 },
  /** The guesses of one network, at whatever accounts: a list of stolen passwords is tried on many, once on each. */
  failuresByNetwork: { max: 100, seconds: 60 },
  /** Sign-ins that end well cost a hash too: so many take a fifth of the time that a node has for hashing. */
  signInsByNetwork: { max: 600, seconds: 60 },
  /** Each writes the account, and what it signs out is remembered there until its tokens expire. Only who has the password comes so far. */
  signInsByAccount: { max: 60, seconds: 60 },
  /** Each costs a hash and leaves a document for ever, or tells that an address has an account. */
  registrationsByNetwork: { max: 300, seconds: 600 },
  /** A client refreshes every quarter of an hour. */
  refreshesBySession: { max: 60, seconds: 60 },
  refreshesByNetwork: { max: 600, seconds: 60 },
  /** Two hashes each, and a stolen access token must not become a password by guessing. */
  passwordChangesByUser: { max: 10, seconds: 60 },

  /** New sockets: all devices of an office may come back in the same instant when a server has restarted. */
  connectsByNetwork: { max: 3_000, seconds: 10 },
  /** Events that are answered. A client's are a `read` now and then, and `authorize` every quarter of an hour. */
  eventsByConnection: { max: 100, seconds: 10 },
  eventsByUser: { max: 200, seconds: 10 },
  eventsByNetwork: { max: 2_000, seconds: 10 },
  /** Packets of any kind: who goes on although told to stop is closed here. */
  packetsByConnection: { max: 200, seconds: 10 },
  authorizationsByConnection: { max: 10, seconds: 60 },
} as const satisfies Record<string, RateLimit>;

/** How much one client may have at the same time; multiplied as well. */
export const concurrencyLimits = {
  /** Requests that services work at, of 2,000 places: others find one also while this network floods. Above the thousand that are promised. */
  requestsByNetwork: 1_500,
  /** Sockets; each takes some 20 KB. */
  socketsByNetwork: 2_000,
  /** A user has up to 20 sessions, each with a few tabs open. */
  socketsByUser: 100,
  /** TCP connections to either port, whether or not anything is ever asked on them: some above the sockets, so that those get to hear why they are closed. */
  connectionsByNetwork: 2_500,
  /** Passwords waiting to be hashed, of 150 places: others find one also while this network floods. */
  hashesByNetwork: 120,
} as const;
