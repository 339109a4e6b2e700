import { join } from "node:path";
import { ESLint } from "eslint";

const root = join(import.meta.dirname, "../..");
const eslint = new ESLint({ cwd: root });

/** What the linter says of a line in a file of that name. */
async function saidOf(filePath: string, line: string): Promise<string> {
  const [result] = await eslint.lintText(`${line}\n`, { filePath: join(root, filePath) });
  return result!.messages.map(({ message }) => message).join("\n");
}

describe("an import against the arrows is refused, with the place to read", () => {
  it.each([
    ["contracts/x.ts", 'import "../domain/sale.ts";'],
    ["contracts/x.ts", 'import "../moleculer.config.ts";'],
    ["domain/x.ts", 'import "../broker/env.ts";'],
    ["domain/x.ts", 'import "node:fs";'],
    ["domain/x.ts", "export const now = Date.now();"],
    ["domain/x.ts", "export const now = new Date();"],
    ["domain/x.ts", "export const chance = Math.random();"],
    ["broker/x.ts", 'import "../store/store.ts";'],
    ["mixins/x.ts", 'import "../services/market.service.ts";'],
    ["mixins/x.ts", 'await import("../services/market.service.ts");'],
    ["services/market.service.ts", 'import "./users.service.ts";'],
    ["services/market.service.ts", 'import "./users/tokens.ts";'],
    ["services/users/tokens.ts", 'import "../market.service.ts";'],
    ["services/users/tokens.ts", 'import "../notifications/lookout.ts";'],
    ["client/x.ts", 'import "../domain/sale.ts";'],
    ["services/market.service.ts", 'import "../client/index.ts";'],
    ["services/market.service.ts", 'import "../bench/report.ts";'],
  ])("%s: %s", async (file, line) =>
    expect(await saidOf(file, line)).toMatch(/see "Where does my line go\?" in the README/),
  );

  it.each([
    ["services/market.service.ts", 'import "../store/store.ts";'],
    ["services/users.service.ts", 'import "./users/tokens.ts";'],
    ["domain/x.ts", 'import "../contracts/market.ts";'],
    ["client/x.ts", 'import "../contracts/routes.ts";'],
  ])("but not one along them: %s: %s", async (file, line) =>
    expect(await saidOf(file, line)).toBe(""),
  );

  it.each([
    "export const { HOME } = process.env;",
    'import { env } from "node:process";\nexport const { HOME } = env;',
  ])("and nothing but broker/env.ts reads the environment: %s", async (line) => {
    expect(await saidOf("services/market.service.ts", line)).toMatch(
      /broker\/env.ts reads the environment/,
    );
  });
});
