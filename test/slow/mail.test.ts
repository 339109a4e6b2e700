/** Mails when their sender is killed, and after a day without a mail server. */
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { ask, Senders } from "../support/mail-senders.ts";
import { MailServer } from "../support/mail-server.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

const kills = Number(process.env.MAIL_KILLS || 30);
const senders = new Senders();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  senders.kill();
  for (const cleanUp of cleanups.splice(0)) await cleanUp();
});

async function startServer(port = 0) {
  const server = await MailServer.start({ port });
  cleanups.push(() => server.stop());
  return server;
}
function newFolder() {
  const folder = temporaryFolder();
  cleanups.push(() => folder.remove());
  return folder.path;
}
const percentile = (times: number[], share: number) =>
  times.sort((a, b) => a - b)[Math.floor(times.length * share)]!.toFixed(0);

it(`a sender that is killed ${kills} times between sending and marking sends each mail at least once and at most twice, with one Message-ID`, async () => {
  const server = await startServer();
  const folder = newFolder();
  const clock = new ShiftedClock();
  cleanups.push(() => clock.remove());
  let onMail = async () => {};
  server.dropAfter = () => (void onMail(), false);
  /** A minute later, when the lease of the killed one has ended. It has sent what that left. */
  const startLater = async (minutes: number) => {
    await clock.set(minutes * 60_000);
    const child = await senders.start(server.url, folder, clock.env);
    await ask(child, {});
    return child;
  };
  for (let n = 0; n < kills; n++) {
    const child = await startLater(n);
    const exited = once(child, "exit");
    // A third is killed before the answer, the others up to some milliseconds after it.
    onMail = async () => {
      onMail = async () => {};
      if (n % 3 > 0) await pause(n % 10);
      child.kill("SIGKILL");
    };
    child.send({ id: `sale-${n}` });
    await exited;
  }
  await startLater(kills);

  const counts = Array.from({ length: kills }, (_, n) => server.to(`sale-${n}@souk.test`).length);
  const times = (count: number) => counts.filter((one) => one === count).length;
  console.log(
    `${kills} kills: ${times(0)} mails lost, ${times(1)} sent once, ${times(2)} twice, ${counts.filter((one) => one > 2).length} more often.`,
  );
  expect(Math.min(...counts)).toBe(1);
  expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  const ids = Map.groupBy(server.mails, ({ to: [address] }) => address);
  for (const mails of ids.values())
    expect(new Set(mails.map(({ headers }) => headers.get("message-id"))).size).toBe(1);
}, 900_000);

it("a mail server that is down for a day gets all mails afterwards, once, the oldest first; prints how fast", async () => {
  const count = 100;
  const port = await freePort();
  const clock = new ShiftedClock();
  cleanups.push(() => clock.remove());
  const child = await senders.start(`smtp://127.0.0.1:${port}`, newFolder(), clock.env);
  for (let n = 0; n < count; n++) await ask(child, { id: `sale-${String(n).padStart(3, "0")}` });

  for (let hour = 1; hour <= 24; hour++) await clock.set(hour * 3_600_000, child.pid);
  const begun = performance.now();
  const server = await startServer(port);
  await eventually(() => expect(server.mails).toHaveLength(count), { within: 120_000 });

  const seconds = (performance.now() - begun) / 1_000;
  await ask(child, {});
  const order = server.mails.map(({ to }) => Number(/\d+/.exec(to[0]!)![0]));
  const displaced = Math.max(...order.map((n, place) => Math.abs(n - place)));
  console.log(
    `${count} mails after a day without a mail server: all received ${seconds.toFixed(1)} s after its return, none twice, at most ${displaced} places out of order.`,
  );
  expect(server.mails).toHaveLength(count);
  // Several connections send at once.
  expect(displaced).toBeLessThan(20);
}, 300_000);

it("a mail is received soon after its delivery was accepted; prints the times", async () => {
  const server = await startServer();
  const child = await senders.start(server.url, newFolder());
  const times: number[] = [];
  for (let n = 0; n < 100; n++) {
    const begun = Date.now();
    await ask(child, { id: `sale-${n}` });
    await eventually(() => expect(server.mails).toHaveLength(n + 1), { within: 30_000, every: 2 });
    times.push(server.mails.at(-1)!.at - begun);
  }
  console.log(
    `From a due mail to its receipt: ${percentile(times, 0.5)} ms (median), ${percentile(times, 0.99)} ms (99 of 100), of ${times.length} mails.`,
  );
}, 120_000);
