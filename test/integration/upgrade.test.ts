import { cpSync } from "node:fs";
import { join } from "node:path";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { upgradePromises } from "../support/upgrade-promises.ts";

const fixtures = join(import.meta.dirname, "../fixtures");

describe.each(["0.1.0"])("a market on the files of version %s", (version) => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  upgradePromises(() => {
    cpSync(join(fixtures, version, "embedded"), folder.path, { recursive: true });
    return startNode([], { DATA_DIR: folder.path });
  });
});
