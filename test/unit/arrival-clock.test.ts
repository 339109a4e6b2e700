import fc from "fast-check";
import { ArrivalClock } from "../../domain/arrival-clock.ts";

const hour = 3_600_000;
const start = Date.UTC(2026, 0, 1);

it("follows the clock, and gives each row its own instant", () => {
  const clock = new ArrivalClock();

  expect([0, 0, 5].map((ms) => clock.next(start + ms, ms) - start)).toEqual([0, 1, 5]);
});

it("never goes back, however the clock jumps by hours", () => {
  const jump = fc.record({
    jump: fc.integer({ min: -5 * hour, max: 5 * hour }),
    rows: fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(jump, { minLength: 1, maxLength: 6 }), (jumps) => {
      const clock = new ArrivalClock();
      let [uptime, last] = [0, 0];
      for (const { jump, rows } of jumps)
        for (const wait of rows) {
          uptime += wait;
          const next = clock.next(start + uptime + jump, uptime);
          if (next < last) return false;
          last = next;
        }
      return true;
    }),
  );
});

it("continues after rows from the future at half speed, until the clock has caught up", () => {
  const clock = new ArrivalClock();
  clock.observe(start + 3 * hour);

  expect(clock.next(start, 0)).toBe(start + 3 * hour + 1);
  expect(clock.next(start + hour, hour)).toBe(start + 3.5 * hour);
  expect(clock.next(start + 7 * hour, 7 * hour)).toBe(start + 7 * hour);
});

it("does not follow rows that are more than a week ahead", () => {
  const clock = new ArrivalClock();
  clock.observe(start + 30 * 24 * hour);

  expect(clock.next(start, 0) - start).toBeLessThanOrEqual(1_000);
});

it("sorts rows after those of another node whose clock is a little ahead", () => {
  const clock = new ArrivalClock();
  clock.observe(start + 500);

  expect(clock.next(start, 0)).toBe(start + 501);
});
