/**
 * After the database of one service was restored from an older copy, brings the other services back to agreement with it
 * (docs/backup.md): `npm run replay -- SERVICE SINCE`. With AMQP_URL it calls the cluster; without, it runs the embedded market,
 * which must be stopped, on ports that no client knows. Exits with 1 and one sentence when it cannot.
 */
import { typedCall, type Ctx } from "../broker/context.ts";
import type { Conflict } from "../contracts/market.ts";
import { startNode } from "./node.ts";

const names = ["market", "notifications", "users"] as const;
type Name = (typeof names)[number];

interface Answer {
  replayed: number;
  restored?: number;
  conflicts?: Conflict[];
  nextCursor?: string | null;
}

/** What a number of replays counts. */
const counted: Record<Name, string> = {
  market: "sales whose notices are sent again",
  notifications: "notices of sales compared with market",
  users: "sessions ended",
};

async function replayAll(call: Ctx<unknown>["call"], name: Name, since: string): Promise<void> {
  const total = { replayed: 0, restored: 0, conflicts: 0 };
  for (let cursor: string | undefined, isMore = true; isMore;) {
    const {
      replayed,
      restored = 0,
      conflicts = [],
      nextCursor,
    }: Answer = await call(`${name}.replay`, { since, cursor });
    total.replayed += replayed;
    total.restored += restored;
    total.conflicts += conflicts.length;
    for (const { saleId, itemId, reason } of conflicts)
      console.log(`Sale ${saleId} of item ${itemId} cannot be restored. ${reason}`);
    console.log(`${total.replayed} ${counted[name]}.`);
    cursor = nextCursor ?? undefined;
    isMore = cursor !== undefined;
  }
  if (name === "notifications")
    console.log(`${total.restored} sales restored, ${total.conflicts} not restored.`);
}

const [name, since] = process.argv.slice(2);
try {
  if (!names.includes(name as Name) || !since)
    throw new Error(`Name a service and a time: npm run replay -- market 2026-11-28T09:30:00Z`);
  process.env.LOG_LEVEL ??= "warn";
  // A node without services; an embedded market has all of them, on ports that no client knows.
  if (process.env.AMQP_URL) process.env.SERVICES = "";
  else Object.assign(process.env, { HOST: "127.0.0.1", PORT: "0", SOCKET_PORT: "0" });
  const broker = await startNode([], { started: () => {} });
  try {
    await broker.waitForServices(name!, 10_000);
    await replayAll(typedCall(broker), name as Name, since);
  } finally {
    await broker.stop();
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
