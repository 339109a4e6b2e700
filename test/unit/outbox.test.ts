import fc from "fast-check";
import type { Debt } from "../../contracts/outbox.ts";
import type { ErrorCode } from "../../contracts/errors.ts";
import { errors } from "../../contracts/errors.ts";
import * as debt from "../../domain/outbox.ts";

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms);
const chance = fc.double({ min: 0, max: 1, noNaN: true });

/** What an update makes of a debt: $set, $unset and $inc of `notice.…` fields. */
function changed(
  before: Debt,
  { $set, $unset, $inc }: { $set?: object; $unset?: object; $inc?: object },
): Debt {
  const own = (part: object = {}) =>
    Object.fromEntries(
      Object.entries(part).map(([path, value]) => [path.replace("notice.", ""), value]),
    );
  const kept = Object.entries({ ...before, ...own($set) }).filter(
    ([field]) => !(field in own($unset)),
  );
  const added = Object.entries(own($inc)).map(([field, by]) => [
    field,
    Number(before[field as "attempts"]) + Number(by),
  ]);
  return Object.fromEntries([...kept, ...added]) as Debt;
}
const isDue = ({ dueAt }: Debt, now: Date) =>
  dueAt !== undefined && dueAt <= debt.due(now)["notice.dueAt"].$lte;

describe("a debt", () => {
  it("is leased to whoever writes it, or due at once when it is left to the relay", () => {
    expect([14_999, 15_000].map((ms) => isDue(debt.newDebt(at(0)), at(ms)))).toEqual([false, true]);
    expect(debt.isLeased(debt.newDebt(at(0)), at(0))).toBe(true);
    expect(isDue(debt.newDebt(at(0), false), at(0))).toBe(true);
    expect(debt.isLeased(debt.newDebt(at(0), false), at(0))).toBe(false);
  });

  it("is nobody else's while a lease lasts, and anybody's after it", () => {
    const claimed = changed(debt.newDebt(at(0), false), debt.claimed("c", at(100)));
    expect(isDue(claimed, at(100 + debt.leaseMs - 1))).toBe(false);
    expect(isDue(claimed, at(100 + debt.leaseMs))).toBe(true);
  });

  it("is tried only as long as the call can end within the lease", () => {
    const longestCall = 5_000;
    expect(debt.beginWithinMs + longestCall).toBeLessThan(debt.leaseMs);
  });

  it("is gone from those due once it is told or refused, and back when it is replayed", () => {
    const owed = debt.newDebt(at(0));
    expect(changed(owed, debt.told)).toEqual({ state: "told", attempts: 0 });
    const refused = changed(owed, debt.refused("r".repeat(1000), at(7)));
    expect(refused).toEqual({
      state: "refused",
      attempts: 1,
      refusedAt: at(7).toISOString(),
      reason: "r".repeat(500),
    });
    expect(changed(refused, debt.replayed(at(9)))).toEqual({
      state: "pending",
      attempts: 0,
      dueAt: at(9).toISOString(),
    });
  });

  it("that was not tried is due at once and no worse for it; one that failed waits, and counts it", () => {
    const claimed = changed(debt.newDebt(at(0), false), debt.claimed("c", at(0)));
    expect(changed(claimed, debt.released(at(5)))).toEqual({
      state: "pending",
      attempts: 0,
      dueAt: at(5).toISOString(),
    });
    expect(changed(claimed, debt.postponed(70, at(5)))).toEqual({
      state: "pending",
      attempts: 1,
      dueAt: at(75).toISOString(),
    });
  });

  it("comes due again whatever clocks write it, a minute fast or slow: never lost, at worst tried twice", () => {
    const skew = fc.integer({ min: -60_000, max: 60_000 });
    fc.assert(
      fc.property(skew, skew, fc.nat(60_000), (writer, reader, wait) => {
        for (const update of [
          debt.claimed("c", at(writer)),
          debt.released(at(writer)),
          debt.postponed(wait, at(writer)),
          debt.replayed(at(writer)),
        ]) {
          const owed = changed(debt.newDebt(at(writer)), update);
          // By any clock it is due within a lease or a wait, and what the two clocks are apart.
          expect(isDue(owed, at(reader + Math.max(debt.leaseMs, wait) + 120_000))).toBe(true);
        }
      }),
    );
  });
});

describe("the wait after failures", () => {
  it("is anything from nothing to a bound that doubles up to a minute", () => {
    fc.assert(
      fc.property(fc.nat(100), chance, (attempts, chance) => {
        const bound = Math.min(60_000, 500 * 2 ** attempts);
        expect(debt.waitMs(attempts, 0)).toBe(0);
        expect(debt.waitMs(attempts, 1)).toBe(bound);
        expect(debt.waitMs(attempts, chance)).toBe(Math.round(chance * bound));
      }),
    );
  });

  it("of all others in an outage is half a second at most, so that its end is noticed within two", () => {
    fc.assert(
      fc.property(chance, (chance) => expect(debt.outageWaitMs(chance)).toBeLessThanOrEqual(500)),
    );
  });
});

describe("an attempt that failed", () => {
  it.each([
    ["away", ["UNAVAILABLE", "TIMEOUT", "TOO_MANY_REQUESTS"]],
    ["refused", ["BAD_DATA"]],
  ])("leaves the debt %s for these codes alone", (outcome, codes) => {
    const such = (Object.keys(errors) as ErrorCode[]).filter(
      (code) => debt.outcomeOf(code) === outcome,
    );
    expect(such.sort()).toEqual(codes.sort());
  });

  it("for any other reason is the debt's own failure", () => {
    expect(debt.outcomeOf("INTERNAL")).toBe("failed");
    expect(debt.outcomeOf("FORBIDDEN")).toBe("failed");
  });
});
