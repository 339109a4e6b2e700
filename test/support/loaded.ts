/** Preloaded into a node with `--import`. At exit it prints the loaded parts of Node and the loaded files. */
import { registerHooks } from "node:module";

const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
const urls: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    urls.push(url);
    return nextLoad(url, context);
  },
});
process.once("exit", () => console.log([...moduleLoadList, ...urls].join("\n")));
