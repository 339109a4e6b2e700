/** Times on the page. */
import { ServerClock } from "../../web/src/server-clock.ts";
import { fullTimeText, timeText } from "../../web/src/time.ts";

const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, " ");
const shown = (at: string, now: string, timeZone = "Europe/Berlin", locale = "en-GB") =>
  plain(timeText(Date.parse(at), Date.parse(now), { locale, timeZone }));

describe("a time", () => {
  const now = "2026-03-01T12:00:00Z";

  it.each([
    ["2026-03-01T11:59:31Z", "this minute"],
    ["2026-03-01T12:00:59Z", "this minute"], // The clocks of servers differ a little.
    ["2026-03-01T11:59:00Z", "1 minute ago"],
    ["2026-03-01T11:00:01Z", "59 minutes ago"],
    ["2026-03-01T11:00:00Z", "1 Mar, 12:00"],
    ["2026-03-01T13:30:00Z", "1 Mar, 14:30"],
    ["2026-01-01T00:00:00Z", "1 Jan, 01:00"],
    ["2025-12-31T23:30:00Z", "1 Jan, 00:30"], // It is 2026 there already.
    ["2025-12-31T22:59:59Z", "31 Dec 2025, 23:59"],
    ["2025-10-26T12:00:00Z", "26 Oct 2025, 13:00"],
    ["2027-01-02T12:00:00Z", "2 Jan 2027, 13:00"],
  ])("%s is shown as %s", (at, text) => expect(shown(at, now)).toBe(text));

  it("is shown in the language and the time zone of the visitor", () => {
    expect(shown("2026-03-01T11:55:00Z", now, "Asia/Tokyo", "de")).toBe("vor 5 Minuten");
    expect(shown("2025-12-31T16:00:00Z", now, "Asia/Tokyo", "de")).toBe("1. Jan., 01:00");
    expect(shown("2025-12-31T16:00:00Z", now, "America/New_York", "en")).toBe(
      "Dec 31, 2025, 11:00 AM",
    );
  });

  it("of the page that stays open gets its year when a new one begins", () => {
    const [at, later] = ["2025-12-31T20:00:00Z", "2026-01-01T10:00:00Z"];
    expect(shown(at, "2025-12-31T22:00:00Z")).toBe("31 Dec, 21:00");
    expect(shown(at, later)).toBe("31 Dec 2025, 21:00");
  });
});

describe("the two hours at the end of summer time", () => {
  it.each([
    ["Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
    ["America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"],
    ["Antarctica/Troll", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"],
  ])("are distinguishable in %s, and only these have a time zone", (zone, first, second) => {
    const [summer, winter] = [first, second].map((at) => shown(at, "2026-12-01T00:00:00Z", zone));
    expect(summer).not.toBe(winter);
    expect([summer, winter].every((text) => /GMT|CES?T|E[DS]T/.test(text!))).toBe(true);

    const dayLater = new Date(Date.parse(second) + 86_400_000).toISOString();
    expect(shown(dayLater, "2026-12-01T00:00:00Z", zone)).not.toMatch(/GMT|CET|EST/);
  });

  it("have none at the beginning of summer time", () =>
    expect(shown("2026-03-29T00:30:00Z", "2026-12-01T00:00:00Z")).toBe("29 Mar, 01:30"));
});

it("the full time has its weekday, year, seconds and time zone", () =>
  expect(
    plain(
      fullTimeText(Date.parse("2026-10-25T01:30:05Z"), {
        locale: "en-GB",
        timeZone: "Europe/Berlin",
      }),
    ),
  ).toBe("Sunday, 25 October 2026 at 02:30:05 CET"));

describe("the server's clock", () => {
  const date = "Sun, 01 Mar 2026 12:00:00 GMT";
  const noon = Date.parse(date);
  const hour = 3_600_000;

  it.each([[-5 * hour], [5 * hour], [-90_000]])("is known when this one is off by %i ms", (off) => {
    const clock = new ServerClock();
    clock.learn(date, noon + off + 400, noon + off + 600);
    expect(clock.at(noon + off + 60_000)).toBe(noon + 60_000);
  });

  it("is this one while the difference may be that of a round trip, or before a response", () => {
    const clock = new ServerClock();
    expect(clock.at(noon)).toBe(noon);
    clock.learn(date, noon - 900, noon + 1_500);
    clock.learn(null, noon, noon);
    clock.learn("soon", noon, noon);
    clock.learn(date, noon + hour, noon + hour + 6_000);
    expect(clock.at(noon)).toBe(noon);
  });

  it("is that of the latest response: this one may be set meanwhile", () => {
    const clock = new ServerClock();
    clock.learn(date, noon + hour, noon + hour);
    clock.learn(date, noon + 400, noon + 600);
    expect(clock.at(noon)).toBe(noon);
  });
});
