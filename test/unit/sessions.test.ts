import { matchesFamily, newSession, sessionExpiry } from "../../domain/sessions.ts";

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
