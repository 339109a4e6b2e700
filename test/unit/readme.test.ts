import { readFileSync } from "node:fs";
import { join } from "node:path";
import { block } from "../support/docs.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

it("shows the test that test/integration/broker-call.test.ts runs", () => {
  const file = "test/integration/broker-call.test.ts";
  expect(block("README.md", "ts test")).toBe(readFileSync(join(root, file), "utf8"));
});

/** `[method](path)` links of "Follow one buy", and each function that is named after one. */
const steps = [...readme.matchAll(/^\d\. \[`([\w/.-]+)`\]\(([\w/.-]+)\)[^\n]*?, `(\w+)`/gm)];

it("follows one buy through files and functions that exist", () => {
  expect(steps.length).toBeGreaterThanOrEqual(6);
  const missing = steps.filter(
    ([, , path, name]) =>
      !new RegExp(`\\b${name}\\b`).test(readFileSync(join(root, path!), "utf8")),
  );
  expect(missing.map(([line]) => line)).toEqual([]);
});

it("links to files that exist", () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(
    ([, path]) => path!,
  );
  const missing = links.filter((path) => {
    try {
      return (readFileSync(join(root, path)), false);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "EISDIR";
    }
  });
  expect(missing).toEqual([]);
});
