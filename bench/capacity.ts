/** Writes the plan of docs/scale.md, computed from the figures in docs/benchmarks.md: `node bench/capacity.ts`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { costsFrom, withPlan } from "./support/capacity-model.ts";

const docs = join(import.meta.dirname, "../docs");
const costs = costsFrom(await readFile(join(docs, "benchmarks.md"), "utf8"));
const page = join(docs, "scale.md");
await writeFile(page, withPlan(await readFile(page, "utf8"), costs));
