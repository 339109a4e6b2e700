import { bounds } from "../../domain/bounds.ts";
import { Limiter } from "../../mixins/limiter.ts";

const guesses = "Too many failed sign-ins: wait a moment";

/** Bounds what is tried with passwords and refresh tokens. Known and unknown accounts count alike, so that a refusal does not tell which there are. */
export class Guard {
  readonly #signIns = new Limiter(bounds.signInsByNetwork, "Too many sign-ins from this address");
  readonly #successes = new Limiter(bounds.signInsByAccount, "Too many sign-ins to this account");
  readonly #byBoth = new Limiter(bounds.failuresByNetworkAndAccount, guesses);
  readonly #byNetwork = new Limiter(bounds.failuresByNetwork, guesses);
  readonly #byAccount = new Limiter(bounds.failuresByAccount, guesses);
  readonly #whileBesieged = new Limiter(bounds.failuresWhileBesieged, guesses);
  readonly #registrations = new Limiter(bounds.registrationsByNetwork, "Too many registrations from this address");
  readonly #refreshes = new Limiter(bounds.refreshesByNetwork, "Too many refreshes from this address");
  readonly #bySession = new Limiter(bounds.refreshesBySession, "Too many refreshes of this session");
  readonly #passwordChanges = new Limiter(bounds.passwordChangesByUser, "Too many attempts to change the password");

  /**
   * Throws at once when there were too many failures before, so that those who flood wait in nobody's way. `begin` counts the attempt
   * as a failure, right before the password is checked: of many that come in the same instant, no more than the bound are. `succeed`
   * forgets that, and counts what its owner does.
   */
  async signIn(network: string, email: string): Promise<{ begin: () => Promise<void>; succeed: () => Promise<void> }> {
    const both = `${network} ${email}`;
    await this.#byBoth.look(both);
    await this.#byNetwork.look(network);
    if (await this.#isBesieged(email)) await this.#whileBesieged.look(both);
    await this.#signIns.take(network);
    return {
      begin: async () => {
        await this.#byBoth.take(both);
        await this.#byNetwork.take(network);
        if (await this.#isBesieged(email)) await this.#whileBesieged.take(both);
        await this.#byAccount.take(email).catch(() => {});
      },
      succeed: async () => {
        await Promise.all([this.#byBoth.giveBack(both), this.#byNetwork.giveBack(network)]);
        await Promise.all([this.#byAccount.giveBack(email), this.#whileBesieged.giveBack(both)]);
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
    return this.#byAccount.look(email).then(
      () => false,
      () => true,
    );
  }
}
