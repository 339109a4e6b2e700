/** What the doctor found: one line of its table. */
export interface Finding {
  /** `wrong` is something to repair, `unknown` something that could not be checked, `note` something to know. */
  state: "ok" | "note" | "unknown" | "wrong";
  /** The part of the market: "RabbitMQ", "market's database". */
  part: string;
  /** A full sentence. */
  text: string;
}

/** Collects the findings of one part. */
export class Findings {
  readonly all: Finding[] = [];
  readonly part: string;

  constructor(part: string) {
    this.part = part;
  }

  add(state: Finding["state"], text: string): void {
    this.all.push({ state, part: this.part, text });
  }
}

export const messageOf = (error: unknown) => (error as Error).message.replace(/\.?$/, "");

/** Rejects when the promise has not settled after `ms`. */
export async function within<T>(ms: number, what: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  what.catch(() => null);
  return Promise.race([what, late]).finally(() => clearTimeout(timer));
}

/** The findings of a check that may fail or hang as a whole. Those that it added before count too. */
export async function findingsOf(
  part: string,
  ms: number,
  check: (findings: Findings) => Promise<void>,
): Promise<Finding[]> {
  const findings = new Findings(part);
  await within(ms, check(findings)).catch((error: unknown) =>
    findings.add("wrong", `The check did not end: ${messageOf(error)}.`),
  );
  return [...findings.all];
}

const order = { wrong: 0, unknown: 1, note: 2, ok: 3 };
const maxWidth = 100;

/** The table, with the worst findings first, and a sentence that sums them up. */
export function toTable(findings: Finding[]): string {
  const sorted = findings.toSorted((a, b) => order[a.state] - order[b.state]);
  const width = Math.max(...sorted.map(({ part }) => part.length));
  const lines = sorted.flatMap(({ state, part, text }) =>
    wrapped(text).map((line, n) =>
      n === 0
        ? `${state.padEnd(8)} ${part.padEnd(width)}  ${line}`
        : `${" ".repeat(11 + width)}${line}`,
    ),
  );
  const wrong = findings.filter(({ state }) => state === "wrong").length;
  const unknown = findings.filter(({ state }) => state === "unknown").length;
  const summary =
    wrong === 0
      ? `Nothing is wrong${unknown > 0 ? " that could be checked" : ""}.`
      : `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong.`;
  return `${lines.join("\n")}\n\n${summary}`;
}

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" "))
    if (`${lines.at(-1)} ${word}`.length > maxWidth) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trim());
  return lines;
}
