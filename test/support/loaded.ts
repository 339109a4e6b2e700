/** Preloaded into a node by `--import`: when that ends, it prints what it had loaded, parts of Node itself and files of CommonJS packages. */
import { createRequire } from "node:module";

const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
process.once("exit", () =>
  console.log([...moduleLoadList, ...Object.keys(createRequire(import.meta.url).cache)].join("\n")),
);
