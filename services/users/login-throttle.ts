import { rateLimits } from "../../edge/policy/limits.ts";
import { RateLimiter } from "../../edge/rate-limiter.ts";

const failures = "Too many sign-ins have failed. Wait a moment.";

/**
 * Throttles attempts on passwords and refresh tokens (brute force, credential stuffing). Known and unknown
 * accounts count alike, so that a refusal does not reveal which accounts exist.
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

  /**
   * Throws TOO_MANY_REQUESTS after too many failures, before the attempt waits for a hash. `begin` counts the
   * attempt as a failure just before its password is checked, so that concurrent attempts cannot pass the
   * limit. `succeed` takes that back, and counts the sign-in.
   */
  async signIn(
    network: string,
    email: string,
  ): Promise<{ begin: () => Promise<void>; succeed: () => Promise<void> }> {
    const both = `${network} ${email}`;
    await this.#byBoth.peek(both);
    await this.#byNetwork.peek(network);
    if (await this.#isUnderAttack(email)) await this.#underAttack.peek(both);
    await this.#signIns.take(network);
    return {
      begin: async () => {
        await this.#byBoth.take(both);
        await this.#byNetwork.take(network);
        if (await this.#isUnderAttack(email)) await this.#underAttack.take(both);
        await this.#byAccount.take(email).catch(() => {});
      },
      succeed: async () => {
        await Promise.all([this.#byBoth.refund(both), this.#byNetwork.refund(network)]);
        await Promise.all([this.#byAccount.refund(email), this.#underAttack.refund(both)]);
        await this.#successes.take(email);
      },
    };
  }

  register(network: string): Promise<void> {
    return this.#registrations.take(network);
  }

  async refresh(network: string, sid: string): Promise<void> {
    await this.#refreshes.take(network);
    await this.#bySession.take(sid);
  }

  changePassword(userId: string): Promise<void> {
    return this.#passwordChanges.take(userId);
  }

  #isUnderAttack(email: string): Promise<boolean> {
    return this.#byAccount.peek(email).then(
      () => false,
      () => true,
    );
  }
}
