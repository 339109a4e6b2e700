/** At most `max` events in a window of `seconds`. */
export interface RateLimit {
  max: number;
  seconds: number;
}

/**
 * Rate limits of one client, before RATE_SCALE multiplies them. They are far above what people do, and
 * low enough that one machine cannot take the market down. A network is an IPv4 address or an IPv6 /64,
 * and may be a whole office.
 */
export const rateLimits = {
  /** HTTP requests to any path except health checks. The window admits a burst of thousands; the average is what one node serves. */
  requestsByNetwork: { max: 4_000, seconds: 10 },
  /** Requests of one user. A burst of 1,000 is admitted. */
  requestsByUser: { max: 2_000, seconds: 10 },

  /** Wrong passwords from one network for one account. */
  failuresByNetworkAndAccount: { max: 10, seconds: 60 },
  /** Wrong passwords from all networks for one account; above it the account is under attack… */
  failuresByAccount: { max: 100, seconds: 60 },
  /** …and each network has only these left. Never zero, because strangers could otherwise lock the owner out. */
  failuresUnderAttack: { max: 3, seconds: 60 },
  /** Wrong passwords from one network for all accounts: a list of stolen passwords is tried on many accounts, once each. */
  failuresByNetwork: { max: 100, seconds: 60 },
  /** Successful sign-ins cost a hash too: these use a fifth of a node's hashing. */
  signInsByNetwork: { max: 600, seconds: 60 },
  /** Each sign-in writes the account. Only a client with the password gets this far. */
  signInsByAccount: { max: 60, seconds: 60 },
  /** Each costs a hash, and leaves a document or reveals that an email address has an account. */
  registrationsByNetwork: { max: 300, seconds: 600 },
  /** A client refreshes every 15 minutes. */
  refreshesBySession: { max: 60, seconds: 60 },
  refreshesByNetwork: { max: 600, seconds: 60 },
  /** Each costs two hashes, and a stolen access token must not allow guessing the password. */
  passwordChangesByUser: { max: 10, seconds: 60 },

  /** Each sends something to a stranger's server at once. */
  channelTestsByUser: { max: 10, seconds: 60 },

  /** New sockets: all devices of an office may reconnect at once after a restart. */
  connectsByNetwork: { max: 3_000, seconds: 10 },
  /** Acknowledged events. A client sends a `read` now and then, and `authorize` every 15 minutes. */
  eventsByConnection: { max: 100, seconds: 10 },
  eventsByUser: { max: 200, seconds: 10 },
  eventsByNetwork: { max: 2_000, seconds: 10 },
  /** Packets of any kind. A socket that continues after its events were refused is closed here. */
  packetsByConnection: { max: 200, seconds: 10 },
  /** The same of a network, each counted once and once more for each KB. Above it, the server reads later what the network sends. */
  packetsByNetwork: { max: 20_000, seconds: 10 },
  authorizationsByConnection: { max: 10, seconds: 60 },
} as const satisfies Record<string, RateLimit>;

/** Limits on what one client may have at the same time; RATE_SCALE multiplies them too. */
export const concurrencyLimits = {
  /** Calls in flight, of 2,000 for a service: other networks are served while this one floods. */
  requestsByNetwork: 1_500,
  /** Sockets, of about 20 KB each. */
  socketsByNetwork: 2_000,
  /** A user has up to 20 sessions, each with a few open tabs. */
  socketsByUser: 100,
  /** TCP connections to one port. More than the sockets, so that a refused socket still gets its reason. */
  connectionsByNetwork: 2_500,
  /** Passwords waiting to be hashed, of 150: other networks are served while this one floods. */
  hashesByNetwork: 120,
} as const;
