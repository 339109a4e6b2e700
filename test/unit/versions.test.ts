import { readFileSync } from "node:fs";
import { join } from "node:path";

const lock = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8"),
) as {
  packages: Record<string, { version?: string }>;
};

/** Below these there are published advisories that reach us. */
const floors = {
  "socket.io-parser": "4.2.6",
  "engine.io": "6.6.9",
  ws: "8.21.0",
  "path-to-regexp": "8.4.0",
  amqplib: "2.3.0",
};

const versionsOf = (name: string) =>
  Object.entries(lock.packages).flatMap(([path, { version }]) =>
    path.endsWith(`node_modules/${name}`) && version ? [version] : [],
  );
const isAtLeast = (version: string, floor: string) =>
  version.localeCompare(floor, "en", { numeric: true }) >= 0 && !version.includes("-");

it.each(Object.entries(floors))(
  "%s is installed at %s or above, wherever it is installed",
  (name, floor) => {
    const versions = versionsOf(name);
    expect(versions).not.toEqual([]);
    expect(versions.filter((version) => !isAtLeast(version, floor))).toEqual([]);
  },
);
