import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import pLimit, { type LimitFunction } from "p-limit";
import { refusal } from "../../broker/refusal.ts";
import { concurrencyLimits } from "../../edge/policy/limits.ts";
import { scaled } from "../../edge/rate-scale.ts";

const derive = promisify(argon2);
/** OWASP's choice for argon2id: 19 MiB, two passes, no parallelism. It runs off the event loop. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;

/** Concurrent hashes. Node has four threads, which serve files too: a flood of sign-ins must not delay those. */
const hashing = pLimit(2);
/** A longer queue could not be served in time. */
const maxWaiting = 150;
const maxWaitingPerNetwork = scaled(concurrencyLimits.hashesByNetwork);
/** A turn that comes later than this is refused: its caller is about to give up. */
const turnTimeoutMs = 4_000;

let waiting = 0;
/** One queue per client network, served round-robin, so that one network's flood cannot starve the others. */
const queues = new Map<string, LimitFunction>();

interface Turn {
  /** The client's network. */
  network: string;
  /** Runs when the turn comes. When it throws, nothing is hashed. */
  onTurn?: () => Promise<void>;
}

/** Throws UNAVAILABLE when the queue is full or too slow, and TOO_MANY_REQUESTS when the network's own queue is full. */
async function inTurn<T>({ network, onTurn }: Turn, hash: () => Promise<T>): Promise<T> {
  // Each network enters as many hashes as run at once, so the networks alternate.
  const queue = queues.get(network) ?? pLimit(hashing.concurrency);
  if (waiting >= maxWaiting) throw overloaded();
  if (queue.activeCount + queue.pendingCount >= maxWaitingPerNetwork)
    throw refusal("TOO_MANY_REQUESTS", "Too many sign-ins from this address are waiting.");
  queues.set(network, queue);
  waiting++;
  const since = performance.now();
  const turn = async () => {
    if (performance.now() - since > turnTimeoutMs) throw overloaded();
    await onTurn?.();
    return hash();
  };
  try {
    return await queue(() => hashing(turn));
  } finally {
    waiting--;
    if (queue.activeCount + queue.pendingCount === 0) queues.delete(network);
  }
}

const overloaded = () => refusal("UNAVAILABLE", "Too many sign-ins are waiting.");

/** A PHC string: algorithm, version, cost, salt and hash, so that costs can be raised later. */
export async function hashPassword(password: string, turn: Turn): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await inTurn(turn, () =>
    derive("argon2id", { message: password.normalize("NFC"), nonce, tagLength, ...cost }),
  );
  return encoded(nonce, tag);
}

function encoded(nonce: Buffer, tag: Buffer): string {
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${nonce.toString("base64url")}$${tag.toString("base64url")}`;
}

/**
 * The forms of a password that a stored hash may be of: NFC, and what version 0.1.0 hashed, which was any. Two for a password with letters
 * that have two forms, three if it mixes them, otherwise one. A password in ASCII costs one hash.
 */
export const formsOf = (password: string): string[] => [
  ...new Set([password.normalize("NFC"), password.normalize("NFD"), password]),
];

/**
 * Takes the same time when there is no stored hash, so that the time does not reveal which accounts exist. The number of hashes
 * depends on the password only: not on the account, nor on which form it has.
 */
export async function isPassword(
  password: string,
  stored: string | undefined,
  turn: Turn,
): Promise<boolean> {
  const [, , , costs = "", salt = "", hash = ""] = (stored ?? dummyHash).split("$");
  const [memory, passes, parallelism] = costs.split(",").map((part) => Number(part.slice(2))) as [
    number,
    number,
    number,
  ];
  const expected = Buffer.from(hash, "base64url");
  const nonce = Buffer.from(salt, "base64url");
  const options = { nonce, tagLength: expected.length, memory, passes, parallelism };
  return inTurn(turn, async () => {
    for (const message of formsOf(password))
      if (timingSafeEqual(await derive("argon2id", { message, ...options }), expected))
        return stored !== undefined;
    return false;
  });
}

/** Matches no password, costs as much to compare as any other, and nothing to make. */
const dummyHash = encoded(randomBytes(16), randomBytes(tagLength));
