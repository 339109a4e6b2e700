import { jest } from "@jest/globals";
import { describeSkew, ReferenceClock } from "../../store/reference-clock.ts";

const hour = 3_600_000;
const real = Date.now.bind(Date);
/** Sets this node's clock: real time plus `ms`. */
const setClock = (ms: number) => jest.spyOn(Date, "now").mockImplementation(() => real() + ms);
afterEach(() => jest.restoreAllMocks());
const isNear = (time: number, expected: number) => Math.abs(time - expected) < 500;

it.each([3 * hour, -3 * hour])("a clock that is %d ms off is replaced by the reference", (off) => {
  const clock = new ReferenceClock();
  clock.observe(real());

  // Before the next observation, too.
  setClock(off);
  expect(isNear(clock.now(), real())).toBe(true);
  expect(isNear(clock.skew(), off)).toBe(true);

  setClock(0);
  expect(isNear(clock.now(), real())).toBe(true);
});

it("this node's own clock decides without a reference, and within 2 s of it", () => {
  const clock = new ReferenceClock();
  setClock(hour);
  expect(isNear(clock.now(), real() + hour)).toBe(true);

  clock.observe(real() + hour - 1_500);
  expect(isNear(clock.now(), real() + hour)).toBe(true);
});

it("late observations do not count while another is in time", () => {
  const clock = new ReferenceClock();
  clock.observe(real());
  for (const late of [4_000, 3_500]) clock.observe(real() - late);

  expect(Math.abs(clock.skew())).toBeLessThan(500);
});

it("the reference's own jump is followed after three observations", () => {
  const clock = new ReferenceClock();
  for (let n = 0; n < 3; n++) clock.observe(real() + hour);
  for (let n = 0; n < 3; n++) clock.observe(real());

  expect(Math.abs(clock.skew())).toBeLessThan(500);
});

it("a difference above 2 s is reported once, and its end once", () => {
  const reported: number[] = [];
  const clock = new ReferenceClock((skewMs) => reported.push(Math.round(skewMs / 1000)), 1);
  for (const ms of [0, 2_700, 1_500, 2_700, 3_000, 300, 1_500]) clock.observe(real() - ms);

  expect(reported).toEqual([3, 0]);
});

it("a difference is described in words", () => {
  expect(describeSkew(3 * hour + 60_000)).toBe("3 h 1 min ahead of");
  expect(describeSkew(-2_400)).toBe("2 s behind");
});
