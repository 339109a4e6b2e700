import {
  dividedBy,
  median,
  percentile,
  section,
  verdict,
  withSection,
} from "../../bench/report.ts";
import type { Ratio, Row } from "../../bench/row.ts";

const ratio = (values: number[], goal: Ratio["goal"]): Ratio => ({
  name: "buys/s",
  values,
  goal,
  against: "bare",
});

describe("statistics", () => {
  it.each([
    [[3, 1, 2], 2],
    [[10, 9, 1, 2], 5.5],
    [[7], 7],
  ])("the median of %j is %d", (values, expected) => expect(median(values)).toBe(expected));

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])("the share %d of the values 1 to 100 is at most %d", (share, expected) => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(percentile(values, share)).toBe(expected);
  });

  it("divides the values of the same round", () => {
    expect(dividedBy([10, 30], [20, 10])).toEqual([0.5, 3]);
  });
});

describe("a goal", () => {
  it.each([
    [[0.4, 0.5, 9], { atLeast: 0.5 }, "met"],
    [[0.4, 0.49, 9], { atLeast: 0.5 }, "missed"],
    [[1, 1.5, 9], { atMost: 1.5 }, "met"],
    [[1, 1.51, 9], { atMost: 1.5 }, "missed"],
    [[2, 2, 2], { atLeast: 1, atMost: 1.5 }, "missed"],
    [[NaN, NaN, NaN], { atLeast: 0.5 }, "missed"],
    [[NaN, NaN, NaN], { atMost: 0.5 }, "missed"],
    [[1, 2, 3], {}, ""],
  ])("with the median of %j and the limits %j is %s", (values, goal, expected) =>
    expect(verdict(ratio(values, goal))).toBe(expected),
  );
});

describe("the section of a row", () => {
  const row: Row = {
    name: "buys",
    description: "buys a second",
    run: () => Promise.reject(new Error("This test does not run it.")),
  };

  it("shows median, spread, goal, verdict and the command that measures it", () => {
    const figures = [{ system: "souk", metric: "buys", unit: "1/s", values: [1200, 900, 1000] }];
    const text = section(
      row,
      { figures, ratios: [ratio([0.45, 0.5, 0.4], { atLeast: 0.5 })], notes: ["One note."] },
      "2026-01-02",
    );

    expect(text).toContain("`npm run bench -- buys`, 2026-01-02");
    expect(text).toContain("| souk | buys, 1/s | 1,000 | 900–1,200 | 3 |");
    expect(text).toContain("| buys/s | bare | 0.45 | 0.40–0.50 | ≥ 0.5 | missed |");
    expect(text).toContain("- One note.");
  });

  it("shows a figure without a unit and a ratio without a goal", () => {
    const figures = [{ system: "souk", metric: "messages per sale", unit: "", values: [3] }];
    const text = section(row, { figures, ratios: [ratio([0.5], {})] }, "2026-01-02");

    expect(text).toContain("| souk | messages per sale | 3.00 | 3.00–3.00 | 1 |");
    expect(text).toContain("| buys/s | bare | 0.50 | 0.50–0.50 |  |  |");
  });

  it("replaces its last measurement and keeps the other sections in order", () => {
    const names = ["first", "second", "third"];
    const put = (page: string, name: string, text: string) =>
      withSection(page, "# Figures", names, name, text);
    const page = [
      ["third", "three"],
      ["first", "one"],
    ].reduce((page, [name, text]) => put(page, name!, text!), "");

    const again = put(put(page, "second", "two"), "first", "one, again");

    expect(again.split("\n").filter((line) => line && !line.startsWith("<!--"))).toEqual([
      "# Figures",
      "one, again",
      "two",
      "three",
    ]);
    expect(put(again, "first", "one, again")).toBe(again);
  });
});
