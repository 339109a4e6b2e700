/** Statistics and Markdown of the results. Pure functions. */
import type { Figure, Outcome, Ratio, Row } from "./row.ts";

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2
    ? sorted[Math.floor(middle)]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest value that is at least as large as the given share (0 to 1) of all values. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Round by round, because rounds of the same minute met the same conditions. */
export const dividedBy = (ours: number[], theirs: number[]): number[] =>
  ours.map((value, round) => value / theirs[round]!);

/** Whether the median meets the goal; empty without a goal. NaN meets none. */
export function verdict({ values, goal }: Ratio): "met" | "missed" | "" {
  if (goal.atLeast === undefined && goal.atMost === undefined) return "";
  const value = median(values);
  const isMet = value >= (goal.atLeast ?? -Infinity) && value <= (goal.atMost ?? Infinity);
  return isMet ? "met" : "missed";
}

const shown = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
};

const spread = (values: number[]): string =>
  `${shown(Math.min(...values))}–${shown(Math.max(...values))}`;

const goalOf = ({ goal: { atLeast, atMost } }: Ratio): string =>
  [atLeast !== undefined && `≥ ${atLeast}`, atMost !== undefined && `≤ ${atMost}`]
    .filter(Boolean)
    .join(" and ");

const line = (...cells: string[]): string => `| ${cells.join(" | ")} |`;
const figureLine = ({ system, metric, unit, values }: Figure) =>
  line(
    system,
    unit ? `${metric}, ${unit}` : metric,
    shown(median(values)),
    spread(values),
    String(values.length),
  );
const ratioLine = (ratio: Ratio) =>
  line(
    ratio.name,
    ratio.against,
    shown(median(ratio.values)),
    spread(ratio.values),
    goalOf(ratio),
    verdict(ratio),
  );

/** The section of docs/benchmarks.md for a row. `day` is the date of the measurement. */
export function section(
  { name, description }: Row,
  { figures, ratios, notes = [] }: Outcome,
  day: string,
): string {
  return [
    `## ${name}: ${description}`,
    `\`npm run bench -- ${name}\`, ${day}`,
    [
      line("system", "metric", "median", "min–max", "rounds"),
      line("---", "---", "--:", "--:", "--:"),
      ...figures.map(figureLine),
    ].join("\n"),
    [
      line("ratio", "against", "median", "min–max", "goal", ""),
      line("---", "---", "--:", "--:", "--:", "---"),
      ...ratios.map(ratioLine),
    ].join("\n"),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ].join("\n\n");
}

const opening = (name: string) => `<!-- row ${name} -->`;
const closing = (name: string) => `<!-- end of ${name} -->`;
const between = (name: string, text: string) => `${opening(name)}\n\n${text}\n\n${closing(name)}`;

/** The page with a new header, and `text` as the section of row `name`. Sections keep the order of `names`. */
export function withSection(
  page: string,
  header: string,
  names: string[],
  name: string,
  text: string,
): string {
  const sections = names.flatMap((one) => {
    const fresh = one === name ? text : sectionOf(page, one);
    return fresh === undefined ? [] : [between(one, fresh)];
  });
  return `${[header, ...sections].join("\n\n")}\n`;
}

function sectionOf(page: string, name: string): string | undefined {
  const [begin, end] = [page.indexOf(opening(name)), page.indexOf(closing(name))];
  return begin === -1 || end === -1
    ? undefined
    : page.slice(begin + opening(name).length, end).trim();
}
