import { randomUUID } from "node:crypto";
import { badData, codeOf, refusal } from "../../broker/refusal.ts";
import type { Language } from "../../contracts/languages.ts";
import type { Session } from "../../contracts/users.ts";
import { newAccount, type AccountDocument } from "../../domain/account.ts";
import { canonicalEmail, signInEmail } from "../../domain/email.ts";
import { creationOf, isHeld, keyReused } from "../../store/insert-once.ts";
import { DuplicateKey, type Store } from "../../store/store.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import { hashPassword, isPassword } from "./password-hashing.ts";
import { checkPassword } from "./password-policy.ts";
import type { Sessions } from "./sessions.ts";

interface Registration {
  email: string;
  password: string;
  name: string;
  language?: Language;
  idempotencyKey?: string;
}

/** What the service does with a new account. */
interface Hooks {
  /** Adds what it is stored with. */
  complete(account: AccountDocument): AccountDocument;
  stored(account: AccountDocument): void;
}

/** Sign-ups and sign-ins: what begins a session with an email address and a password. */
export class Credentials {
  readonly #store: Store<AccountDocument>;
  readonly #throttle: LoginThrottle;
  readonly #sessions: Sessions;

  constructor(store: Store<AccountDocument>, throttle: LoginThrottle, sessions: Sessions) {
    [this.#store, this.#throttle, this.#sessions] = [store, throttle, sessions];
  }

  /** Creates an account and begins its first session. Throws EMAIL_TAKEN, or IDEMPOTENCY_KEY_REUSED. */
  async register(given: Registration, network: string, hooks: Hooks): Promise<Session> {
    await this.#throttle.register(network);
    const email = canonicalEmail(given.email);
    if (email === undefined) throw badData([{ field: "email", message: "is malformed" }]);
    const registration = { ...given, email };
    checkPassword("password", given.password, registration);
    try {
      const session = await this.#create(registration, network, hooks);
      this.#throttle.know(network, session.user.email);
      return session;
    } catch (error) {
      // Of many concurrent registrations that found the address free, the unique index accepts one.
      if (!(error instanceof DuplicateKey)) throw error;
      return this.#repeat(registration, network);
    }
  }

  /** Begins a session. Throws INVALID_CREDENTIALS. */
  async signIn({ email, password }: { email: string; password: string }, network: string) {
    const address = signInEmail(email);
    const attempt = await this.#throttle.signIn(network, address);
    const account = await this.#accountOf(address);
    const turn = { network, onTurn: attempt.begin };
    const isRight = await isPassword(password, account?.password, turn);
    if (!isRight || !account) {
      attempt.fail(account?._id);
      throw wrongCredentials();
    }
    await attempt.succeed();
    const session = await this.#sessions.begin(account);
    if (!session) throw wrongCredentials();
    return session;
  }

  async #create(registration: Registration, network: string, hooks: Hooks): Promise<Session> {
    const onTurn = async () => {
      if (await this.#accountOf(registration.email)) throw new DuplicateKey("email");
    };
    const hash = await hashPassword(registration.password, { network, onTurn });
    const account = newAccount({ id: randomUUID(), ...registration }, hash, this.#store.now());
    const creation = registered(registration, account.createdAt);
    const given = hooks.complete({ ...account, ...(creation && { creation }) });
    const { session, stored } = await this.#sessions.createAccount(given);
    hooks.stored(stored);
    return session;
  }

  /** The email address has an account. If this very registration created it, signs in. */
  async #repeat(registration: Registration, network: string): Promise<Session> {
    const account = await this.#accountOf(registration.email);
    // An insert can be known to the index before a majority has it.
    if (!account) throw refusal("UNAVAILABLE");
    const { creation } = account;
    const asked = registered(registration, account.createdAt);
    const isRepetition =
      creation && creation.key === asked?.key && isHeld(creation, this.#store.now());
    if (!isRepetition) throw this.#throttle.emailTaken(network);
    if (creation.request !== asked.request) throw keyReused();
    return this.signIn(registration, network).catch((error: unknown) => {
      throw codeOf(error) === "INVALID_CREDENTIALS" ? keyReused() : error;
    });
  }

  #accountOf(email: string) {
    return this.#store.one({ email });
  }
}

/** The password is in no fast hash: it is compared with the account's. */
function registered({ email, name, idempotencyKey }: Registration, at: string) {
  const params = { idempotencyKey, name };
  return creationOf({ userId: email, params }, at);
}

const wrongCredentials = () =>
  refusal("INVALID_CREDENTIALS", "The email address or password is wrong.");
