/** Webhooks when their sender is killed, when one receiver hangs, and as others verify them. */
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { deliveries, newSecret, type Receiver } from "../support/deliveries.ts";

const market = await deliveries();
const folder = temporaryFolder();
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await market.stop();
  folder.remove();
});

const program = join(import.meta.dirname, "../support/deliveries-node.ts");
const kills = Number(process.env.DELIVERIES_KILLS || 30);

/** A process that sends, over the same files. */
async function startSender(url: string, secret: string) {
  const env = { ...process.env, DATA_DIR: folder.path, RECEIVER: url, SECRET: secret };
  const child = fork(program, { env, execArgv: [] });
  children.push(child);
  await once(child, "message");
  return child;
}
async function idle(child: ChildProcess) {
  child.send({});
  await once(child, "message");
}

it(`a sender that is killed ${kills} times between sending and marking sends each notice at least once and at most twice`, async () => {
  const receiver = await market.receiver();
  const secret = newSecret();
  let onRequest: (answer: () => void) => void = (answer) => answer();
  receiver.answer = (response) => onRequest(() => void response.writeHead(204).end());
  for (let n = 0; n < kills; n++) {
    const child = await startSender(receiver.url, secret);
    // What the last kill left is sent now.
    await idle(child);
    const exited = once(child, "exit");
    onRequest = (answer) => {
      onRequest = (answerNext) => answerNext();
      // A third is killed before the answer, a third directly after it, a third some milliseconds later.
      if (n % 3 > 0) answer();
      if (n % 3 < 2) child.kill("SIGKILL");
      else void pause(n % 10).then(() => child.kill("SIGKILL"));
    };
    child.send({ id: `sale-${n}` });
    await exited;
  }
  await idle(await startSender(receiver.url, secret));

  const counts = Array.from(
    { length: kills },
    (_, n) => receiver.received.filter(({ id }) => id === `sale-${n}`).length,
  );
  const times = (count: number) => counts.filter((one) => one === count).length;
  console.log(
    `${kills} kills: ${times(0)} notices lost, ${times(1)} sent once, ${times(2)} twice, ${counts.filter((one) => one > 2).length} more often.`,
  );
  expect(Math.min(...counts)).toBe(1);
  expect(Math.max(...counts)).toBe(2);
}, 600_000);

/** Milliseconds from the sale until the receiver has it, of one notice after the other. */
async function latencies(receiver: Receiver, userId: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const arrived = new Promise<void>((resolve) => {
      receiver.answer = (response) => (response.writeHead(204).end(), resolve());
    });
    const start = performance.now();
    await market.sale(userId);
    await arrived;
    times.push(performance.now() - start);
    // Its lane is free again.
    await pause(2);
  }
  return times;
}
const p99 = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;

it("a receiver that hangs slows no other: prints the ratio of the 99th percentiles", async () => {
  const [hanging, other] = [await market.receiver(), await market.receiver()];
  const held: { destroy(): void }[] = [];
  hanging.answer = (response) => void held.push(response);
  const { userId } = market.seller(other.url);
  await latencies(other, userId, 200);
  const [alone, beside]: number[][] = [[], []];
  for (let round = 0; round < 4; round++) {
    alone!.push(...(await latencies(other, userId, 250)));
    const stuck = market.seller(hanging.url);
    for (let n = 0; n < 100; n++) await market.sale(stuck.userId);
    beside!.push(...(await latencies(other, userId, 250)));
    market.recipients.delete(stuck.userId);
    for (const response of held.splice(0)) response.destroy();
    await market.idle();
  }
  const [before, after] = [p99(alone!), p99(beside!)];
  console.log(
    `p99 of 1,000 webhooks: ${before.toFixed(2)} ms alone, ${after.toFixed(2)} ms beside one that hangs, ratio ${(after / before).toFixed(2)}.`,
  );
  // The attempt at a receiver that hangs takes ten seconds.
  expect(after).toBeLessThan(5_000);
}, 600_000);

it("the verifier of PyPI accepts a webhook by each valid secret, and refuses another secret and another body", async () => {
  const python = process.env.PYTHON || "python3";
  const secrets = [newSecret(), newSecret()];
  const { received, url } = await market.receiver();
  const { userId } = market.seller(url, secrets);
  await market.sale(userId);
  await market.idle();
  const [{ headers, body }] = received as [(typeof received)[0]];
  const script = `
import json, sys
from standardwebhooks import Webhook
asked = json.load(sys.stdin)
def verify(secret, body):
    try:
        Webhook(secret).verify(body, asked["headers"])
        return True
    except Exception as error:
        return type(error).__name__
print(json.dumps([verify(secret, body) for secret, body in asked["tries"]]))`;
  const tries = [
    ...secrets.map((secret) => [secret, body]),
    [newSecret(), body],
    [secrets[0], `${body} `],
  ];
  const verify = () =>
    execFileSync(python, ["-c", script], { input: JSON.stringify({ headers, tries }) });
  let answer: Buffer;
  try {
    answer = verify();
  } catch (error) {
    throw new Error(
      `Set PYTHON to a Python with the package standardwebhooks: ${(error as Error).message}`,
      { cause: error },
    );
  }

  const refused = "WebhookVerificationError";
  expect(JSON.parse(answer.toString())).toEqual([true, true, refused, refused]);
});
