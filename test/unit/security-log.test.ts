import { SecurityLog, securityEvents, type SecurityEvent } from "../../broker/security-log.ts";

function logged() {
  const lines: string[] = [];
  const write = (level: string) => (line: unknown) => void lines.push(`${level}: ${String(line)}`);
  const log = new SecurityLog({
    logger: { info: write("info"), warn: write("warn") },
    broker: {},
  } as never);
  return { lines, log };
}

it("an event is one line with its name and whom it concerns, at its level", () => {
  const { lines, log } = logged();
  log.record("refresh_token_reused", { user: "u1", session: "s1", network: undefined });
  log.record("sign_in_failed", { user: undefined, network: "10.0.0.1" });
  log.record("access_token_forged");
  expect(lines).toEqual([
    "warn: Security event refresh_token_reused user=u1 session=s1",
    "info: Security event sign_in_failed network=10.0.0.1",
    "warn: Security event access_token_forged",
  ]);
});

it("a flood of every event is at most 54 lines, with the numbers of the rest", () => {
  const { lines, log } = logged();
  for (let n = 0; n < 5_000; n++)
    for (const event of Object.keys(securityEvents) as SecurityEvent[])
      log.record(event, { user: `u${n % 10}`, network: `n${n % 3}` });
  log.flush();

  expect(lines.length).toBeLessThanOrEqual(54);
  expect(lines).toContain("info: Security event sign_in_failed more=4995 users=10 networks=3");
});

it("the next minute begins with lines again", () => {
  const { lines, log } = logged();
  for (let n = 0; n < 6; n++) log.record("sign_in_failed");
  log.flush();
  log.record("sign_in_failed", { user: "late" });
  log.flush();
  expect(lines.slice(-2)).toEqual([
    "info: Security event sign_in_failed more=1 users=0 networks=0",
    "info: Security event sign_in_failed user=late",
  ]);
});
