import { refusal } from "../../broker/refusal.ts";
import type { SecurityLog } from "../../broker/security-log.ts";
import { rateLimits } from "../../edge/policy/limits.ts";
import { RateLimiter } from "../../edge/rate-limiter.ts";

interface Attempt {
  begin(): Promise<void>;
  succeed(): Promise<void>;
  /** With the id of the account, if there is one. */
  fail(userId: string | undefined): void;
}

/** Pairs of a network and an account, about 5 MB. */
const maxKnown = 50_000;

const failures = "Too many sign-ins have failed. Wait a moment.";

/**
 * Throttles attempts on passwords and refresh tokens (brute force, credential stuffing). Known and unknown
 * accounts count alike, so that a refusal does not reveal which accounts exist. While a network has too many failures, the accounts
 * that have signed in from it keep a few attempts each: a neighbour does not lock them out.
 */
export class LoginThrottle {
  readonly #signIns = new RateLimiter(
    rateLimits.signInsByNetwork,
    "There are too many sign-ins from this address.",
  );
  readonly #successes = new RateLimiter(
    rateLimits.signInsByAccount,
    "There are too many sign-ins to this account.",
  );
  readonly #byBoth = new RateLimiter(rateLimits.failuresByNetworkAndAccount, failures);
  readonly #byNetwork = new RateLimiter(rateLimits.failuresByNetwork, failures);
  readonly #byAccount = new RateLimiter(rateLimits.failuresByAccount, failures);
  readonly #underAttack = new RateLimiter(rateLimits.failuresUnderAttack, failures);
  readonly #log: SecurityLog;
  /** The networks from which an account signed in, the least recent first. */
  readonly #known = new Set<string>();
  readonly #registrations = new RateLimiter(
    rateLimits.registrationsByNetwork,
    "There are too many registrations from this address.",
  );
  readonly #refreshes = new RateLimiter(
    rateLimits.refreshesByNetwork,
    "There are too many refreshes from this address.",
  );
  readonly #bySession = new RateLimiter(
    rateLimits.refreshesBySession,
    "There are too many refreshes of this session.",
  );
  readonly #passwordChanges = new RateLimiter(
    rateLimits.passwordChangesByUser,
    "There are too many attempts to change the password.",
  );

  constructor(log: SecurityLog) {
    this.#log = log;
  }

  /**
   * Throws TOO_MANY_REQUESTS after too many failures, before the attempt waits for a hash. `begin` counts the
   * attempt as a failure just before its password is checked, so that concurrent attempts cannot pass the
   * limit. `succeed` takes that back, and counts the sign-in. `fail` writes to the log.
   */
  async signIn(network: string, email: string): Promise<Attempt> {
    const both = `${network} ${email}`;
    await this.#watched(network, async () => {
      await this.#byBoth.peek(both);
      if (!this.#known.has(both)) await this.#byNetwork.peek(network);
      if (await this.#isRestricted(network, email)) await this.#underAttack.peek(both);
      await this.#signIns.take(network);
    });
    let isCounted = true;
    return {
      begin: () =>
        this.#watched(network, async () => {
          await this.#byBoth.take(both);
          if (await this.#isRestricted(network, email)) await this.#underAttack.take(both);
          await this.#byNetwork.take(network).catch((error: unknown) => {
            if (!this.#known.has(both)) throw error;
            isCounted = false;
          });
          await this.#byAccount.take(email).catch(() => {});
        }),
      fail: (user) => this.#log.record("sign_in_failed", { user, network }),
      succeed: async () => {
        await Promise.all([
          this.#byBoth.refund(both),
          isCounted && this.#byNetwork.refund(network),
        ]);
        await Promise.all([this.#byAccount.refund(email), this.#underAttack.refund(both)]);
        await this.#successes.take(email);
        this.know(network, email);
      },
    };
  }

  /** Remembers that the account was used from this network, by its owner. */
  know(network: string, email: string): void {
    const both = `${network} ${email}`;
    this.#known.delete(both);
    this.#known.add(both);
    if (this.#known.size > maxKnown) this.#known.delete(this.#known.values().next().value!);
  }

  /** The error of a sign-up with the address of another account. */
  emailTaken(network: string): Error {
    this.#log.record("registration_refused", { network });
    return refusal("EMAIL_TAKEN");
  }

  register(network: string): Promise<void> {
    return this.#watched(network, () => this.#registrations.take(network));
  }

  refresh(network: string, sid: string): Promise<void> {
    return this.#watched(network, async () => {
      await this.#refreshes.take(network);
      await this.#bySession.take(sid);
    });
  }

  changePassword(network: string, userId: string): Promise<void> {
    return this.#watched(network, () => this.#passwordChanges.take(userId));
  }

  /** Whether only a few failures are left to each pair: many networks fail on the account, or this network on many accounts. */
  async #isRestricted(network: string, email: string): Promise<boolean> {
    const isFull = (peek: Promise<void>) =>
      peek.then(
        () => false,
        () => true,
      );
    return (
      (await isFull(this.#byAccount.peek(email))) || (await isFull(this.#byNetwork.peek(network)))
    );
  }

  async #watched(network: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      this.#log.record("attempts_limited", { network });
      throw error;
    });
  }
}
