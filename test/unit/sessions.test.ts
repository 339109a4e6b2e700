import { matchesFamily, newSession, sessionExpiry, sessionsToEnd } from "../../domain/sessions.ts";

const day = 24 * 3_600_000;
const start = new Date("2026-01-02T03:04:05.678Z");
const after = (days: number) => new Date(start.getTime() + days * day);
const hashes = { family: "f", token: "t" };

describe("a session", () => {
  it("ends 90 days after its sign-in, also when it is refreshed", () => {
    const refreshed = { ...newSession(hashes, start), expiresAt: sessionExpiry(after(89)) };
    expect(matchesFamily(refreshed, hashes, after(89.9))).toBe(true);
    expect(matchesFamily(refreshed, hashes, after(90))).toBe(false);
  });

  it("ends 30 days after its last refresh", () => {
    expect(matchesFamily(newSession(hashes, start), hashes, after(29.9))).toBe(true);
    expect(matchesFamily(newSession(hashes, start), hashes, after(30))).toBe(false);
  });
});

describe("a sign-in beyond 20 sessions", () => {
  const minutes = (n: number) => after(n / 1440);
  /** A session that was begun and last refreshed at these minutes. */
  const session = (begun: number, refreshed = begun) => ({
    ...newSession(hashes, minutes(begun)),
    expiresAt: sessionExpiry(minutes(refreshed)),
  });
  const others = (count: number, begun: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, session(begun + n)]));

  it.each([
    ["the oldest, of sessions that were never refreshed", {}, ["s0"]],
    ["the one that was not refreshed, although it is younger", { s0: session(0, 5000) }, ["s1"]],
    [
      "the one whose last refresh is longest ago",
      { s0: session(0, 100), s1: session(1, 99), s2: session(2, 98) },
      ["s3"],
    ],
    ["an expired one, and no other", { s7: session(-40 * 1440) }, ["s7"]],
    ["one that is older than 90 days, and no other", { s7: session(-91 * 1440, 1) }, ["s7"]],
  ])("ends %s", (_which, changed, ended) => {
    expect(sessionsToEnd({ ...others(20, 0), ...changed }, minutes(5001))).toEqual(ended);
  });

  it("does not end that of a device in use, however many sign-ins follow its last refresh", () => {
    let sessions = { phone: session(-5000, 0), ...others(19, -3000) };
    for (let n = 0; n < 40; n++) {
      const ended = sessionsToEnd(sessions, minutes(n / 10));
      expect(ended).toHaveLength(1);
      const rest = Object.entries(sessions).filter(([sid]) => !ended.includes(sid));
      sessions = {
        ...(Object.fromEntries(rest) as typeof sessions),
        [`curl${n}`]: session(n / 10),
      };
    }
    expect(Object.keys(sessions)).toContain("phone");
    expect(sessionsToEnd({ ...others(20, 20), phone: session(-5000, 0) }, minutes(41))).toEqual([
      "phone",
      "s0",
    ]);
  });
});
