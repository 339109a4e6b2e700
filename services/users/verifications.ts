import { hash, hkdfSync, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { JWK } from "jose";
import { refusal } from "../../broker/refusal.ts";
import type { Language } from "../../contracts/languages.ts";
import type { AccountDocument } from "../../domain/account.ts";
import {
  isLinkValid,
  parseVerificationToken,
  requestableInMs,
  sentLink,
  verificationToken,
  withLink,
} from "../../domain/verification.ts";
import { tooManyRequests } from "../../edge/too-many-requests.ts";
import type { Store, Update } from "../../store/store.ts";

/** How often a request is tried while others of the account change the same links. */
const maxTries = 5;

/** A new account with its first link. */
export const withFirstLink = (account: AccountDocument, now: Date): AccountDocument => ({
  ...account,
  verification: withLink(undefined, randomUUID(), now),
});

/** Adds a message of the outbox to an update. */
type Enqueue = (update: Record<string, Record<string, unknown>>) => Update;

const isNotVerified = { verifiedAt: { $exists: false } };

/** Proofs that email addresses belong to their accounts: each by a link in a mail. */
export class Verifications {
  readonly #store: Store<AccountDocument>;
  readonly #key: Buffer;

  /** `privateKey`: the key of access tokens. The key of the links is derived from it. */
  constructor(store: Store<AccountDocument>, privateKey: JWK) {
    this.#store = store;
    const secret = Buffer.from(privateKey.d!, "base64url");
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", "souk verification link", 32));
  }

  /**
   * Adds a link to an account, and the message that sends it. Null when the address is verified. Throws NOT_FOUND, or
   * TOO_MANY_REQUESTS after three in an hour.
   */
  async request(userId: string, language: Language | undefined, enqueueMail: Enqueue) {
    for (let tries = 0; tries < maxTries; tries++) {
      const now = this.#store.now();
      const account = await this.#store.one({ _id: userId });
      if (!account) throw refusal("NOT_FOUND", "There is no such user.");
      if (account.verifiedAt) return null;
      const waitMs = requestableInMs(account.verification, now);
      if (waitMs > 0)
        throw tooManyRequests("There were too many requests for this mail. Wait a while.", waitMs);
      const latest = account.verification?.latest;
      const isUnchanged = latest
        ? { "verification.latest": latest }
        : { verification: { $exists: false } };
      const verification = withLink(account.verification, randomUUID(), now);
      const after = await this.#store.change(
        { _id: userId, ...isNotVerified, ...isUnchanged },
        enqueueMail({ $set: { verification, ...(language && { language }) } }),
      );
      if (after) return after;
    }
    throw refusal("UNAVAILABLE", "Other requests of this account are under way.");
  }

  /**
   * The token for a mail that is about to be sent. It is derived, so that only its hash is stored; the same link gives the same token.
   * Throws NOT_FOUND when the link is no longer wanted.
   */
  async link(userId: string, linkId: string) {
    const account = await this.#store.one({ _id: userId });
    const links = account?.verification?.links ?? {};
    if (!account || account.verifiedAt || !Object.hasOwn(links, linkId)) throw notWanted();
    const { email, language = "en" } = account;
    const secret = createHmac("sha256", this.#key)
      .update(JSON.stringify([userId, linkId, email]))
      .digest("base64url");
    const token = verificationToken(userId, linkId, secret);
    const path = `verification.links.${linkId}`;
    // The 24 hours begin now: the mail may have waited for a mail server.
    const stored = await this.#store.change(
      { _id: userId, ...isNotVerified, [`${path}.requestedAt`]: links[linkId]!.requestedAt },
      {
        $set: {
          [`${path}.sentAt`]: this.#store.now().toISOString(),
          [`${path}.hash`]: hashOf(token),
        },
      },
    );
    if (!stored) throw notWanted();
    return { email, token, language };
  }

  /**
   * Verifies the address of the token's account, and adds a message to the same write. Throws LINK_NOT_VALID, or ALREADY_VERIFIED for
   * every use of a valid token after the first.
   */
  async verify(token: string, enqueue: Enqueue): Promise<AccountDocument> {
    const { userId, linkId } = parseVerificationToken(token);
    const account = userId ? await this.#store.one({ _id: userId }) : null;
    const link = sentLink(account?.verification, linkId);
    if (!account || !link || !isSame(link.hash, hashOf(token))) throw notValid();
    if (account.verifiedAt) throw refusal("ALREADY_VERIFIED");
    const now = this.#store.now();
    if (!isLinkValid(link, now)) throw notValid();
    const verified = await this.#store.change(
      { _id: userId, ...isNotVerified, [`verification.links.${linkId}.hash`]: link.hash },
      enqueue({ $set: { verifiedAt: now.toISOString() } }),
    );
    if (verified) return verified;
    // Another request was faster: with a link of this account, or to send more of them.
    const after = await this.#store.one({ _id: userId });
    throw after?.verifiedAt ? refusal("ALREADY_VERIFIED") : notValid();
  }
}

const notValid = () =>
  refusal("LINK_NOT_VALID", "The link is not valid, or no longer. Send the mail again.");
const notWanted = () => refusal("NOT_FOUND", "The address needs no such link.");

/** The secret in it has 256 bits, so a plain hash is enough. */
const hashOf = (token: string) => hash("sha256", token, "base64url");
const isSame = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
