import { quietUntil } from "../../domain/quiet-hours.ts";

const night = { from: "22:00", to: "07:00" };

it.each([
  // In Berlin it is UTC+1 in winter and UTC+2 in summer, from 2026-03-29 to 2026-10-25.
  ["Europe/Berlin", night, "2026-01-10T20:59:59.999Z", undefined],
  ["Europe/Berlin", night, "2026-01-10T21:00:00.000Z", "2026-01-11T06:00:00.000Z"],
  ["Europe/Berlin", night, "2026-01-11T05:59:59.999Z", "2026-01-11T06:00:00.000Z"],
  ["Europe/Berlin", night, "2026-01-11T06:00:00.000Z", undefined],
  ["Europe/Berlin", night, "2026-07-10T20:30:00.000Z", "2026-07-11T05:00:00.000Z"],
  // The night before summer time is an hour shorter, the one after it an hour longer.
  ["Europe/Berlin", night, "2026-03-28T21:00:00.000Z", "2026-03-29T05:00:00.000Z"],
  ["Europe/Berlin", night, "2026-10-24T20:00:00.000Z", "2026-10-25T06:00:00.000Z"],
  // 02:30 does not exist in that night: quiet hours that end then end when the clock is set.
  [
    "Europe/Berlin",
    { from: "01:00", to: "02:30" },
    "2026-03-29T00:30:00.000Z",
    "2026-03-29T01:00:00.000Z",
  ],
  // 02:30 exists twice in that night: they end at the first, and begin again for half an hour.
  [
    "Europe/Berlin",
    { from: "01:00", to: "02:30" },
    "2026-10-25T00:10:00.000Z",
    "2026-10-25T00:30:00.000Z",
  ],
  [
    "Europe/Berlin",
    { from: "01:00", to: "02:30" },
    "2026-10-25T01:10:00.000Z",
    "2026-10-25T01:30:00.000Z",
  ],
  // Half an hour of summer time, and a zone of 45 minutes.
  ["Australia/Lord_Howe", night, "2026-10-03T15:00:00.000Z", "2026-10-03T20:00:00.000Z"],
  ["Asia/Kathmandu", night, "2026-01-10T18:00:00.000Z", "2026-01-11T01:15:00.000Z"],
  ["Pacific/Kiritimati", night, "2026-01-10T09:00:00.000Z", "2026-01-10T17:00:00.000Z"],
  ["UTC", { from: "12:00", to: "13:00" }, "2026-01-10T12:59:00.000Z", "2026-01-10T13:00:00.000Z"],
  ["UTC", { from: "12:00", to: "13:00" }, "2026-01-10T13:00:00.000Z", undefined],
  ["UTC", { from: "12:00", to: "12:00" }, "2026-01-10T12:00:00.000Z", undefined],
  ["UTC", { from: "00:00", to: "23:59" }, "2026-01-10T23:58:59.000Z", "2026-01-10T23:59:00.000Z"],
  ["UTC", { from: "23:59", to: "23:58" }, "2026-01-10T23:59:00.000Z", "2026-01-11T23:58:00.000Z"],
  ["Mars/Olympus", night, "2026-01-10T23:00:00.000Z", undefined],
])("in %s, quiet hours %j at %s last until %s", (timeZone, hours, now, until) => {
  expect(quietUntil({ ...hours, timeZone }, new Date(now))?.toISOString()).toBe(until);
});

it("no minute within quiet hours has an end that is not in the future, or more than 26 hours away", () => {
  const start = Date.parse("2026-03-28T00:00:00.000Z");
  for (const timeZone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
    for (let minute = 0; minute < 3 * 1440; minute += 7) {
      const now = new Date(start + minute * 60_000);
      const until = quietUntil({ from: "01:15", to: "02:45", timeZone }, now);
      if (!until) continue;
      expect(until.getTime()).toBeGreaterThan(now.getTime());
      expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(26 * 3_600_000);
      expect(quietUntil({ from: "01:15", to: "02:45", timeZone }, until)).toBeUndefined();
    }
});
