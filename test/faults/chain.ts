/** Documents that change in known steps: what a store holds shows which step of each was the last. */
import { strict as assert } from "node:assert";
import { things, type Thing } from "../support/store-promises.ts";

export const chains = things("things");

/** The document of a chain after a step. Every fifth step removes it. */
export function stateOf(chain: string, step: number): Thing | null {
  if (step < 0 || step % 5 === 4) return null;
  return {
    _id: chain,
    number: step,
    owner: chain,
    email: `${chain}-${step}@souk.test`,
    // Over several pages of 4096 bytes, so that a write can be torn.
    name: `${step}`.repeat((step * 7919) % 3000),
    price: step * 100,
    isSold: step % 2 === 0,
    createdAt: new Date(1_700_000_000_000 + step).toISOString(),
    words: ["chain", `chain-${chain}`, `step-${step}`],
  };
}

/** What the writer had printed: per chain, the last step that it knew to be stored, and the last that it had begun. */
export function progressOf(printed: string): Map<string, { stored: number; begun: number }> {
  const progress = new Map<string, { stored: number; begun: number }>();
  for (const line of printed.split("\n").slice(0, -1)) {
    const [what, chain = "", step] = line.split(" ");
    const known = progress.get(chain) ?? { stored: -1, begun: -1 };
    if (what === "begin") known.begun = Number(step);
    else known.stored = Math.max(known.stored, Number(step));
    known.begun = Math.max(known.begun, known.stored);
    progress.set(chain, known);
  }
  return progress;
}

/** Throws when a step that the writer knew to be stored is lost, or a document is in no state that the writer wrote. */
export function checkChains(printed: string, docs: Thing[]): void {
  const found = new Map(docs.map((doc) => [doc._id, doc]));
  const progress = progressOf(printed);
  for (const doc of docs) assert(progress.has(doc._id), `${doc._id} was never written`);
  for (const [chain, { stored, begun }] of progress) {
    const doc = found.get(chain) ?? null;
    const possible = Array.from({ length: begun - stored + 1 }, (_, n) => stored + n);
    const step = doc ? doc.number! : possible.find((step) => stateOf(chain, step) === null);
    assert(
      step !== undefined && possible.includes(step),
      `Chain ${chain} is at ${doc?.number ?? "nothing"}; steps ${stored} to ${begun} are possible.`,
    );
    assert.deepEqual(doc, stateOf(chain, step));
  }
}
