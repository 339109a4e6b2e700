import fc from "fast-check";
import { errors, type ErrorCode } from "../../contracts/errors.ts";
import * as domain from "../../domain/outbox.ts";
import { afterDelivery, isDue, leaseMs, newOutbox, type Outbox } from "../../domain/outbox.ts";

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms);
const iso = (ms: number) => at(ms).toISOString();
const chance = fc.double({ min: 0, max: 1, noNaN: true });
const lease = { claim: "c", now: at(0) };

const isPolled = ({ dueAt }: Outbox, now: Date) =>
  dueAt !== undefined && dueAt <= domain.due(now)["outbox.dueAt"].$lte;

describe("due times of a clock that was ahead", () => {
  const straightened = (outbox: Outbox) => domain.straightened(outbox, at(0));
  const [hours, day] = [3 * 3_600_000, 24 * 3_600_000];

  it("are due at once, and end the lease", () => {
    const wrong = newOutbox({ notice: at(hours) }, { claim: "c", now: at(hours) });

    expect(straightened(wrong)).toEqual(newOutbox({ notice: at(0) }, undefined, at(0)));
  });

  it("keep the wait of an entry that was scheduled", () => {
    const wrong = newOutbox({ mail: at(hours + day) }, undefined, at(hours));

    expect(straightened(wrong)).toEqual(newOutbox({ mail: at(day) }, undefined, at(0)));
  });

  it("are told from those that were scheduled by a right clock", () => {
    expect(straightened(newOutbox({ mail: at(day) }, undefined, at(-hours)))).toBeUndefined();
  });

  it("keep the failed attempts of an entry", () => {
    const outbox = newOutbox({ notice: at(0) });
    const failed = { state: "pending", waitMs: 60_000, isAttempt: true } as const;
    const wrong = afterDelivery(outbox, { notice: failed }, at(hours));

    expect(straightened(wrong)!.entries.notice).toMatchObject({ attempts: 1, dueAt: iso(0) });
  });

  it("are later than every lease and backoff", () => {
    const latest = domain.farAhead(at(0))["outbox.dueAt"].$gt;

    expect(latest >= iso(leaseMs + domain.backoffMs(30, 1))).toBe(true);
  });
});

describe("a new outbox", () => {
  it("is due with its first entry, or when the lease of its writer ends", () => {
    const due = { notice: at(0), mail: at(600_000) };

    expect(newOutbox(due)).toEqual({
      version: 1,
      dueAt: iso(0),
      entries: {
        notice: { state: "pending", attempts: 0, dueAt: iso(0) },
        mail: { state: "pending", attempts: 0, dueAt: iso(600_000) },
      },
    });
    expect(newOutbox(due, lease)).toMatchObject({ dueAt: iso(leaseMs), claim: "c" });
  });

  it("is not polled while its lease lasts", () => {
    const leased = newOutbox({ notice: at(0) }, lease);
    expect([14_999, 15_000].map((ms) => isPolled(leased, at(ms)))).toEqual([false, true]);
  });
});

it("a lease leaves time for a call that starts last", () => {
  const longestCall = 5_000;
  expect(domain.startWithinMs + longestCall).toBeLessThan(leaseMs);
});

describe("after a delivery", () => {
  const two = newOutbox({ notice: at(0), mail: at(600_000) }, lease);

  it("the outbox is due with its earliest pending entry", () => {
    expect(afterDelivery(two, { notice: { state: "delivered" } }, at(5))).toEqual({
      version: 1,
      dueAt: iso(600_000),
      entries: { ...two.entries, notice: { state: "delivered", attempts: 0 } },
    });
  });

  it("an outbox without pending entries is in no index", () => {
    const done = { notice: { state: "delivered" }, mail: { state: "cancelled" } } as const;
    expect(afterDelivery(two, done, at(5))).toEqual({
      version: 1,
      entries: {
        notice: { state: "delivered", attempts: 0 },
        mail: { state: "cancelled", attempts: 0 },
      },
    });
  });

  it("a refused entry is a dead letter with a short reason, and its sibling stays pending", () => {
    const reason = "r".repeat(1000);
    expect(afterDelivery(two, { notice: { state: "refused", reason } }, at(7))).toEqual({
      version: 1,
      dueAt: iso(600_000),
      refusedAt: iso(7),
      entries: {
        ...two.entries,
        notice: { state: "refused", attempts: 1, refusedAt: iso(7), reason: "r".repeat(500) },
      },
    });
  });

  it("an untried entry is due at once, and a failed one waits and counts the attempt", () => {
    const after = (waitMs: number, isAttempt: boolean) =>
      afterDelivery(two, { notice: { state: "pending", waitMs, isAttempt } }, at(5)).entries.notice;

    expect(after(0, false)).toEqual({ state: "pending", attempts: 0, dueAt: iso(5) });
    expect(after(70, true)).toEqual({ state: "pending", attempts: 1, dueAt: iso(75) });
  });

  it("every pending entry is due again, whatever the outcomes of its siblings", () => {
    const outcome = fc.constantFrom<domain.Outcome>(
      { state: "delivered" },
      { state: "cancelled" },
      { state: "refused", reason: "no" },
      { state: "pending", waitMs: 500, isAttempt: true },
    );
    const outcomes = fc.record({ notice: outcome, mail: outcome }, { requiredKeys: [] });
    fc.assert(
      fc.property(outcomes, (outcomes) => {
        const after = afterDelivery(two, outcomes as Record<string, domain.Outcome>, at(5));
        const entries = Object.values(after.entries).map((entry) => entry!);
        const pending = entries.filter(({ state }) => state === "pending");
        const first = pending.map(({ dueAt }) => dueAt).sort()[0];
        expect(after.dueAt).toBe(first);
        expect("refusedAt" in after).toBe(entries.some(({ state }) => state === "refused"));
      }),
    );
  });
});

describe("an entry that is added later", () => {
  it("keeps the update, ends the lease and changes the version", () => {
    const update = { $set: { isPaid: true }, $inc: { price: 1 } };
    expect(domain.withEntries(update, { mail: at(9) })).toEqual({
      $set: {
        isPaid: true,
        "outbox.entries.mail": { state: "pending", attempts: 0, dueAt: iso(9) },
      },
      $min: { "outbox.dueAt": iso(9) },
      $inc: { price: 1, "outbox.version": 1 },
      $unset: { "outbox.claim": true },
    });
  });
});

it("an entry is due again although the clocks of two nodes are a minute apart", () => {
  const skew = fc.integer({ min: -60_000, max: 60_000 });
  fc.assert(
    fc.property(skew, skew, fc.nat(60_000), (writer, reader, waitMs) => {
      const now = at(writer);
      const retried = { notice: { state: "pending", waitMs, isAttempt: true } } as const;
      for (const outbox of [
        newOutbox({ notice: now }, { claim: "c", now }),
        afterDelivery(newOutbox({ notice: now }), retried, now),
      ]) {
        const latest = at(reader + Math.max(leaseMs, waitMs) + 120_000);
        expect(isPolled(outbox, latest)).toBe(true);
        expect(isDue(outbox.entries.notice, latest)).toBe(true);
      }
    }),
  );
});

it("backs off exponentially with full jitter, up to a minute", () => {
  fc.assert(
    fc.property(fc.nat(100), chance, (attempts, chance) => {
      const bound = Math.min(60_000, 500 * 2 ** attempts);
      expect(domain.backoffMs(attempts, 0)).toBe(0);
      expect(domain.backoffMs(attempts, 1)).toBe(bound);
      expect(domain.backoffMs(attempts, chance)).toBe(Math.round(chance * bound));
    }),
  );
});

describe("a failed delivery", () => {
  it.each([
    ["unavailable", ["UNAVAILABLE", "TIMEOUT", "TOO_MANY_REQUESTS"]],
    ["refused", ["BAD_DATA"]],
  ])("is %s for these codes only", (failure, codes) => {
    const such = (Object.keys(errors) as ErrorCode[]).filter(
      (code) => domain.failureOf(code) === failure,
    );
    expect(such.sort()).toEqual(codes.sort());
  });

  it("is the entry's own failure for any other code", () => {
    expect(domain.failureOf("INTERNAL")).toBe("failed");
    expect(domain.failureOf("FORBIDDEN")).toBe("failed");
  });
});
