import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import pLimit, { type LimitFunction } from "p-limit";
import { refusal } from "../../broker/refusal.ts";
import { concurrencyLimits } from "../../edge/policy/limits.ts";
import { scaled } from "../../edge/rate-scale.ts";

const derive = promisify(argon2);
/** OWASP's choice for argon2id: 19 MiB, two passes, one lane. Off the event loop. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;

/** So many at once: Node's four threads serve files too, and those must not wait behind a flood of sign-ins. */
const lanes = pLimit(2);
/** More than this waiting could not be served in time. */
const mostWaiting = 150;
const mostOfOne = scaled(concurrencyLimits.hashesByNetwork);
/** Milliseconds after which a turn comes too late: whoever called is about to give up, and the work would be in vain. */
const patience = 4_000;

let waiting = 0;
/** By network, of those who wait. Each queues no more than the lanes hold, so that all get their turns in rounds: a flood from one delays the others by its turn. */
const queues = new Map<string, LimitFunction>();

async function inLane<T>(network: string, work: () => Promise<T>): Promise<T> {
  const queue = queues.get(network) ?? pLimit(lanes.concurrency);
  if (waiting >= mostWaiting)
    throw refusal("UNAVAILABLE", "Too many are signing in at this moment");
  if (queue.activeCount + queue.pendingCount >= mostOfOne)
    throw refusal("TOO_MANY_REQUESTS", "Too many are signing in from this address at this moment");
  queues.set(network, queue);
  waiting++;
  const since = Date.now();
  try {
    return await queue(() => lanes(() => (Date.now() - since > patience ? tooLate() : work())));
  } finally {
    waiting--;
    if (queue.activeCount + queue.pendingCount === 0) queues.delete(network);
  }
}

const tooLate = () =>
  Promise.reject(refusal("UNAVAILABLE", "Too many are signing in at this moment"));

/** For whom it is done: the network that asks, and what it does once it has its turn; what that throws spares the work. */
interface Turn {
  network: string;
  first?: () => Promise<void>;
}

/** A PHC string: algorithm, version, cost, salt and hash, so that costs can be raised later. */
export async function hashPassword(password: string, { network, first }: Turn): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await inLane(network, async () => {
    await first?.();
    return derive("argon2id", { message: password, nonce, tagLength, ...cost });
  });
  return encoded(nonce, tag);
}

function encoded(nonce: Buffer, tag: Buffer): string {
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${nonce.toString("base64url")}$${tag.toString("base64url")}`;
}

/** Takes as long for an account that does not exist, so that time does not tell which do. */
export async function isPassword(
  password: string,
  stored: string | undefined,
  { network, first }: Turn,
): Promise<boolean> {
  const [, , , costs = "", salt = "", hash = ""] = (stored ?? nobody).split("$");
  const [memory, passes, parallelism] = costs.split(",").map((part) => Number(part.slice(2))) as [
    number,
    number,
    number,
  ];
  const expected = Buffer.from(hash, "base64url");
  const nonce = Buffer.from(salt, "base64url");
  const tag = await inLane(network, async () => {
    await first?.();
    return derive("argon2id", {
      message: password,
      nonce,
      tagLength: expected.length,
      memory,
      passes,
      parallelism,
    });
  });
  return timingSafeEqual(tag, expected) && stored !== undefined;
}

/** As that of a password which nobody has: it costs the same to compare, and nothing to make. */
const nobody = encoded(randomBytes(16), randomBytes(tagLength));
