import { invariants, type Finding, type Invariant } from "./checker.ts";

/** A fault that was injected, on the history's clock. */
export interface Injection {
  name: string;
  from: number;
  /** When the cluster was healthy again. */
  to: number;
  /** From the end of the fault to the first response of what depends on the faulty part (ms). */
  recovery: number;
}

/** A table of faults and invariants: the number of checks from injection to recovery, and how many of them failed. */
export function table(injections: Injection[], findings: Finding[]): string {
  const names = Object.keys(invariants) as Invariant[];
  const isWithin = (list: Injection[], { at }: Finding) =>
    list.some(({ from, to }) => from <= at && at < to);
  const within = (list: Injection[]) => findings.filter((finding) => isWithin(list, finding));
  const outside = findings.filter((finding) => !isWithin(injections, finding));
  const row = (name: string, times: string, recovery: string, found: Finding[]) => [
    name,
    times,
    recovery,
    ...names.map((invariant) => counts(found.filter((one) => one.invariant === invariant))),
  ];
  return aligned([
    ["fault", "times", "recovery ms: median/worst", ...names],
    ...[...Map.groupBy(injections, ({ name }) => name)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, list]) => row(name, String(list.length), recoveryOf(list), within(list))),
    row("(between faults)", "", "", outside),
    row("all", String(injections.length), recoveryOf(injections), findings),
  ]);
}

function counts(findings: Finding[]): string {
  const failed = findings.filter(({ violation }) => violation).length;
  return failed > 0 ? `${findings.length} ✗${failed}` : String(findings.length);
}

function aligned(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length)),
  );
  const padded = (cell: string, column: number) =>
    column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!);
  return rows.map((cells) => cells.map(padded).join("  ")).join("\n");
}

function recoveryOf(injections: Injection[]): string {
  const sorted = injections.map(({ recovery }) => Math.round(recovery)).sort((a, b) => a - b);
  return sorted.length > 0 ? `${sorted[Math.floor((sorted.length - 1) / 2)]}/${sorted.at(-1)}` : "";
}
