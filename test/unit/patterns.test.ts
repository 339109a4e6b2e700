/** Regular expressions in JSON Schemas are text to the linter. Here its rules read them as the validator compiles them. */
import { join } from "node:path";
import { ESLint } from "eslint";
import { actions, events } from "../../contracts/actions.ts";
import { clientEvents } from "../../contracts/socket.ts";

/** Every `pattern` of JSON Schemas within a value, once each. */
function patternsOf(value: unknown): string[] {
  const found = new Set<string>();
  const walk = (one: unknown): void => {
    if (typeof one !== "object" || one === null) return;
    for (const [key, inner] of Object.entries(one)) {
      if (key === "pattern" && typeof inner === "string") found.add(inner);
      walk(inner);
    }
  };
  walk(value);
  return [...found];
}

const root = join(import.meta.dirname, "../..");
const eslint = new ESLint({ cwd: root });
async function messagesFor(pattern: string): Promise<string[]> {
  const line = `export const pattern = new RegExp(${JSON.stringify(pattern)}, "u");\n`;
  const [result] = await eslint.lintText(line, { filePath: join(root, "contracts/x.ts") });
  return result!.messages
    .filter(({ ruleId }) => ruleId?.startsWith("regexp/"))
    .map(({ message }) => message);
}

const patterns = patternsOf([actions, events, clientEvents]);

it("finds the patterns of the contracts", () => {
  expect(patterns.length).toBeGreaterThan(5);
});

it.each(patterns)("checks %s without backtracking", async (pattern) => {
  expect(await messagesFor(pattern)).toEqual([]);
});

it.each(["^(a+)+$", "\\s*,\\s*$", "^\\s*\\w*\\s*;"])("would report %s", async (pattern) => {
  expect(await messagesFor(pattern)).not.toEqual([]);
});
