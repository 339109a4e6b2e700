import { env } from "../../broker/env.ts";
import { newAccount, type AccountDocument } from "../../domain/account.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { samplePeople } from "../../domain/samples.ts";
import { isEmpty } from "../../mixins/collection.ts";
import type { Store } from "../../store/store.ts";
import { hashPassword } from "./password-hashing.ts";

/** Creates the sample accounts of an empty market. `prepared` is the hash of their password, if it was begun before. */
export async function createSampleAccounts(
  store: Store<AccountDocument>,
  prepared: Promise<string> | undefined,
): Promise<void> {
  const { samplePassword } = env.keys;
  if (!samplePassword || !(await isEmpty(store))) return;
  // One hash for all of them: each takes time, and memory that the process keeps.
  const hash = await (prepared ?? hashPassword(samplePassword, { network: "" }));
  for (const person of samplePeople) {
    const now = store.now();
    // Nobody could open a link that is sent to them.
    const verifiedAt = now.toISOString();
    await store.insert({
      ...newAccount(person, hash, now),
      verifiedAt,
      outbox: newOutbox({ mailable: now }),
    });
  }
}
