import { rateLimits } from "../../edge/policy/limits.ts";
import { RateLimiter } from "../../edge/rate-limiter.ts";

const guesses = "Too many failed sign-ins: wait a moment";

/** Bounds what is tried with passwords and refresh tokens. Known and unknown accounts count alike, so that a refusal does not tell which there are. */
export class LoginThrottle {
  readonly #signIns = new RateLimiter(
    rateLimits.signInsByNetwork,
    "Too many sign-ins from this address",
  );
  readonly #successes = new RateLimiter(
    rateLimits.signInsByAccount,
    "Too many sign-ins to this account",
  );
  readonly #byBoth = new RateLimiter(rateLimits.failuresByNetworkAndAccount, guesses);
  readonly #byNetwork = new RateLimiter(rateLimits.failuresByNetwork, guesses);
  readonly #byAccount = new RateLimiter(rateLimits.failuresByAccount, guesses);
  readonly #whileBesieged = new RateLimiter(rateLimits.failuresUnderAttack, guesses);
  readonly #registrations = new RateLimiter(
    rateLimits.registrationsByNetwork,
    "Too many registrations from this address",
  );
  readonly #refreshes = new RateLimiter(
    rateLimits.refreshesByNetwork,
    "Too many refreshes from this address",
  );
  readonly #bySession = new RateLimiter(
    rateLimits.refreshesBySession,
    "Too many refreshes of this session",
  );
  readonly #passwordChanges = new RateLimiter(
    rateLimits.passwordChangesByUser,
    "Too many attempts to change the password",
  );

  /**
   * Throws at once when there were too many failures before, so that those who flood wait in nobody's way. `begin` counts the attempt
   * as a failure, right before the password is checked: of many that come in the same instant, no more than the bound are. `succeed`
   * forgets that, and counts what its owner does.
   */
  async signIn(
    network: string,
    email: string,
  ): Promise<{ begin: () => Promise<void>; succeed: () => Promise<void> }> {
    const both = `${network} ${email}`;
    await this.#byBoth.peek(both);
    await this.#byNetwork.peek(network);
    if (await this.#isBesieged(email)) await this.#whileBesieged.peek(both);
    await this.#signIns.take(network);
    return {
      begin: async () => {
        await this.#byBoth.take(both);
        await this.#byNetwork.take(network);
        if (await this.#isBesieged(email)) await this.#whileBesieged.take(both);
        await this.#byAccount.take(email).catch(() => {});
      },
      succeed: async () => {
        await Promise.all([this.#byBoth.refund(both), this.#byNetwork.refund(network)]);
        await Promise.all([this.#byAccount.refund(email), this.#whileBesieged.refund(both)]);
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

  #isBesieged(email: string): Promise<boolean> {
    return this.#byAccount.peek(email).then(
      () => false,
      () => true,
    );
  }
}
