import { invariants, type Finding, type Invariant } from "./checker.ts";

/** A fault that struck, on the history's clock. */
export interface Strike {
  name: string;
  from: number;
  /** When everything was well again. */
  to: number;
  /** Ms from its end to the first answer of what depends on it. */
  recovery: number;
}

/** Faults by invariants: how much was looked at while each lasted and until all was well, and what of it was wrong. */
export function table(strikes: Strike[], findings: Finding[]): string {
  const names = Object.keys(invariants) as Invariant[];
  const byFault = Map.groupBy(strikes, ({ name }) => name);
  const within = (list: Strike[]) =>
    findings.filter(({ at }) => list.some(({ from, to }) => from <= at && at < to));
  const outside = findings.filter(
    ({ at }) => !strikes.some(({ from, to }) => from <= at && at < to),
  );
  const row = (name: string, times: string, recovery: string, found: Finding[]) => [
    name,
    times,
    recovery,
    ...names.map((invariant) => {
      const own = found.filter((finding) => finding.invariant === invariant);
      const wrong = own.filter(({ fault }) => fault).length;
      return wrong > 0 ? `${own.length} ✗${wrong}` : String(own.length);
    }),
  ];
  const rows = [
    ["fault", "times", "recovery ms: median/worst", ...names],
    ...[...byFault]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, list]) => row(name, String(list.length), recoveryOf(list), within(list))),
    row("(between faults)", "", "", outside),
    row("all", String(strikes.length), recoveryOf(strikes), findings),
  ];
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length)),
  );
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!)))
        .join("  "),
    )
    .join("\n");
}

function recoveryOf(strikes: Strike[]): string {
  const sorted = strikes.map(({ recovery }) => Math.round(recovery)).sort((a, b) => a - b);
  return sorted.length > 0 ? `${sorted[Math.floor((sorted.length - 1) / 2)]}/${sorted.at(-1)}` : "";
}
