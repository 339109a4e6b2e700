/** Preloaded into a node with `--import`. At exit it prints the loaded parts of Node and the loaded files of CommonJS packages. */
import { createRequire } from "node:module";

const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
process.once("exit", () =>
  console.log([...moduleLoadList, ...Object.keys(createRequire(import.meta.url).cache)].join("\n")),
);
