import { codeOf, refusal } from "../../broker/refusal.ts";
import {
  channelsOf,
  newRecipient,
  RecipientDocument,
  withoutSubscriptions,
  type Channels,
} from "../../domain/recipient.ts";
import { batched } from "../../store/group-commit.ts";
import { DuplicateKey, type Store } from "../../store/store.ts";

/** The collection of users' settings. They are read by user. */
export const recipients = { name: "recipients", document: RecipientDocument, indexes: [] };

/** A user's channels are read again after this time (ms): the event of a change on another node may be lost. */
const maxAgeMs = 30_000;
/** Users in memory. */
const maxUsers = 20_000;
const usersPerQuery = 100;
/** How often a change is tried while concurrent ones change the document. */
const maxTries = 20;

/** When the settings cannot be read, a notice is stored with all messages. Who gets them is decided when they are due. */
const allChannels: Channels = { push: true, mail: true, webhook: true };

/** The settings of all users: how each is reached without an open page. */
export class Recipients {
  /** Called after a user's settings were changed here. */
  onChange: (userId: string) => void = () => {};
  readonly #store: Store<RecipientDocument>;
  /** By user id, the oldest first; `at` is by performance.now(). */
  readonly #channels = new Map<string, { at: number; channels: Channels }>();
  /** Counts the changes, so that what was read before one is not kept. */
  #changes = 0;
  /** The stored settings of a user. Batches concurrent calls. */
  readonly #stored: (userId: string) => Promise<RecipientDocument | undefined>;

  constructor(store: Store<RecipientDocument>) {
    this.#store = store;
    this.#stored = batched(async (userIds: string[]) => {
      const found = await store.find({ _id: { $in: [...new Set(userIds)] } });
      const byUser = new Map(found.map((one) => [one._id, one]));
      return (userId) => byUser.get(userId);
    }, usersPerQuery);
  }

  /** A user's settings as they are now. */
  async of(userId: string): Promise<RecipientDocument> {
    return (await this.#stored(userId)) ?? newRecipient(userId);
  }

  /** The channels by which a new notice of the user is sent, as of at most 30 s ago. Never rejects. */
  async channelsOf(userId: string): Promise<Channels> {
    const known = this.#channels.get(userId);
    if (known && performance.now() - known.at < maxAgeMs) return known.channels;
    const [at, changes] = [performance.now(), this.#changes];
    try {
      const channels = channelsOf(await this.of(userId));
      if (changes === this.#changes) this.#remember(userId, { at, channels });
      return channels;
    } catch (error) {
      if (codeOf(error) !== "UNAVAILABLE") throw error;
      return allChannels;
    }
  }

  /** A user's settings were changed, here or on another node. */
  forget(userId: string): void {
    this.#changes++;
    this.#channels.delete(userId);
  }

  /**
   * Changes a user's settings, and returns them. `change` makes the next document of the present one, and may be called several times;
   * it returns the same one to change nothing, and may throw.
   */
  async change(
    userId: string,
    change: (recipient: RecipientDocument) => RecipientDocument,
  ): Promise<RecipientDocument> {
    for (let tries = 0; tries < maxTries; tries++) {
      const stored = await this.#store.one({ _id: userId });
      const before = stored ?? newRecipient(userId);
      const after = change(before);
      if (after === before) return before;
      const written = stored ? await this.#replace(before, after) : await this.#insert(after);
      if (!written) continue;
      this.forget(userId);
      this.onChange(userId);
      return written;
    }
    throw refusal("UNAVAILABLE", "Other requests change these settings at the same time.");
  }

  /** Removes the subscriptions of ended sessions. The settings of several users, in few reads. */
  async endSessions(ended: { userId: string; sid: string }[]): Promise<void> {
    const sids = new Set(ended.map(({ sid }) => sid));
    const isGone = ({ sid }: { sid?: string }) => sid !== undefined && sids.has(sid);
    const users = [...new Set(ended.map(({ userId }) => userId))];
    const found = await Promise.all(users.map((userId) => this.#stored(userId)));
    for (const recipient of found)
      if (recipient?.subscriptions.some(isGone))
        await this.change(recipient._id, (one) => withoutSubscriptions(one, isGone));
  }

  async #insert(recipient: RecipientDocument): Promise<RecipientDocument | null> {
    try {
      return await this.#store.insert(recipient);
    } catch (error) {
      if (error instanceof DuplicateKey) return null;
      throw error;
    }
  }

  #replace(before: RecipientDocument, after: RecipientDocument) {
    const { _id, version } = before;
    const { _id: _, version: __, ...fields } = after;
    const gone = Object.keys(before).filter((name) => !(name in after));
    return this.#store.change(
      { _id, version },
      {
        $set: { ...fields, version: version + 1 },
        $unset: Object.fromEntries(gone.map((name) => [name, true])),
      },
    );
  }

  #remember(userId: string, known: { at: number; channels: Channels }): void {
    this.#channels.delete(userId);
    this.#channels.set(userId, known);
    if (this.#channels.size > maxUsers) this.#channels.delete(this.#channels.keys().next().value!);
  }
}
