import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");
const checklist = page.slice(page.indexOf("## The checklist"), page.indexOf("## TLS"));
const lines = checklist.split("\n").filter((line) => line.startsWith("- "));

/** The tests that a line of the checklist quotes, with their files. */
const testsOf = (line: string) =>
  [...line.matchAll(/`(test\/[\w./-]+)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file, titles]) =>
    [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ file: file!, title: title! })),
  );

it.each(lines)("%s", (line) => {
  const tests = testsOf(line);
  expect(tests).not.toEqual([]);
  // Every quoted title belongs to a file.
  expect(tests).toHaveLength([...line.matchAll(/"[^"]+"/g)].length);
  const missing = tests.filter(
    ({ file, title }) => !readFileSync(join(root, file), "utf8").includes(`"${title}"`),
  );
  expect(missing).toEqual([]);
});

it("covers all ten items of OWASP's list", () => {
  for (let n = 1; n <= 10; n++) expect(checklist).toContain(`**API${n},`);
});
