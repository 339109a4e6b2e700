import type { Findings } from "./finding.ts";

/** An entry that is due for longer is late (ms): the receiver is down, or refuses it for now. */
const lateMs = 60_000;

export interface OutboxState {
  pending: number;
  refused: number;
  oldestDueAt?: string | undefined;
}

export function describeOutbox(
  { pending, refused, oldestDueAt }: OutboxState,
  findings: Findings,
): void {
  const lateFor = oldestDueAt === undefined ? 0 : Date.now() - Date.parse(oldestDueAt);
  if (lateFor > lateMs)
    findings.add(
      "wrong",
      `${pending} messages of its outbox are not delivered; the oldest is due since ${oldestDueAt}.`,
    );
  else findings.add("ok", `${pending} messages of its outbox are pending, none of them late.`);
  if (refused > 0)
    findings.add(
      "wrong",
      `${refused} messages of its outbox were refused. See them at /ops or by \`call NAME.outbox\` in the REPL; replay them when the cause is gone.`,
    );
}
