/** How the figures are summed up and shown: pure, so that it can be tested. */
import type { Figure, Outcome, Ratio, Row } from "./row.ts";

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2
    ? sorted[Math.floor(middle)]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that so much of all (0 to 1) are no greater than. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Round by round: what both met in the same minute is compared. */
export const dividedBy = (ours: number[], theirs: number[]): number[] =>
  ours.map((value, round) => value / theirs[round]!);

/** Whether the median keeps the goal; nothing where there is none. */
export function verdict({ values, goal }: Ratio): "met" | "missed" | "" {
  if (goal.atLeast === undefined && goal.atMost === undefined) return "";
  const value = median(values);
  // What is not a number keeps no goal.
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
const figureLine = ({ who, what, unit, values }: Figure) =>
  line(
    who,
    unit ? `${what}, ${unit}` : what,
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

/** A row as docs/benchmarks.md shows it; `day` is when it was measured. */
export function section(
  { name, what }: Row,
  { figures, ratios, notes = [] }: Outcome,
  day: string,
): string {
  return [
    `## ${name}: ${what}`,
    `\`npm run bench -- ${name}\`, ${day}`,
    [
      line("who", "what", "median", "min–max", "rounds"),
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

/** The page with its header made anew and this row's section in the place of its last; rows stand in the order of `names`. */
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
