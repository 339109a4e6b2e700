/** Database files that are lost while an embedded market is stopped. */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import {
  spawnNode,
  startNode,
  temporaryFolder,
  type Node,
} from "../../bin/processes/node-process.ts";
import { Client } from "../support/client.ts";

const folder = temporaryFolder();
/** The folder of a market that was started once. */
const original = temporaryFolder();
const nodes: Node[] = [];
const place = (name: string) => join(folder.path, name);
const start = async (path = folder.path) => {
  const node = await startNode([], { DATA_DIR: path });
  nodes.push(node);
  return node;
};
const refused = async () => {
  const node = spawnNode([], { DATA_DIR: folder.path });
  nodes.push(node);
  await eventually(() => expect(node.child.exitCode).toBe(1), { within: 60_000 });
  return node.output();
};
/** Removes a database with its log. */
const lose = (service: string) =>
  readdirSync(folder.path)
    .filter((name) => name.startsWith(`${service}.sqlite`))
    .forEach((name) => rmSync(place(name)));
const listed = () => JSON.parse(readFileSync(place("files.json"), "utf8")) as string[];
const all = [
  "deliveries.sqlite",
  "market.sqlite",
  "notifications-recipients.sqlite",
  "notifications.sqlite",
  "users.sqlite",
];
const lost = (name: string) =>
  `${place(name)} is missing or empty: restore it from a backup, or remove its name from ${place("files.json")} to begin with an empty one.\n`;

beforeAll(async () => (await start(original.path)).end(), 60_000);
beforeEach(() => cpSync(original.path, folder.path, { recursive: true }));
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL")));
  for (const name of readdirSync(folder.path)) rmSync(place(name), { recursive: true });
});
afterAll(() => [folder, original].forEach((one) => one.remove()));

it("lists the files of a market in a file for its owner only", () => {
  expect(listed()).toEqual(all);
  expect(statSync(place("files.json")).mode & 0o777).toBe(0o600);
});

it.each(["users", "market", "notifications", "notifications-recipients"])(
  "refuses a start without the file of %s in one sentence, and creates none",
  async (service) => {
    const file = `${service}.sqlite`;
    lose(service);
    expect(await refused()).toBe(lost(file));
    expect(existsSync(place(file))).toBe(false);
    writeFileSync(place(file), "");
    expect(await refused()).toBe(lost(file));
    expect(statSync(place(file)).size).toBe(0);
  },
);

it("begins with an empty file when its name is removed from the list", async () => {
  lose("users");
  writeFileSync(place("files.json"), JSON.stringify(all.filter((name) => name !== "users.sqlite")));
  await Client.registered((await start()).api);
  expect(listed()).toEqual(all);
});

it("starts with the file of a new service, and lists it", async () => {
  lose("notifications");
  writeFileSync(
    place("files.json"),
    JSON.stringify(all.filter((name) => name !== "notifications.sqlite")),
  );
  await start();
  expect(listed()).toEqual(all);
});

it("starts on files without a list, also when a first start was interrupted", async () => {
  rmSync(place("files.json"));
  lose("market");
  writeFileSync(place("users.sqlite"), "");
  writeFileSync(place("files.json.new"), "[");
  await start();
  expect(listed()).toEqual(all);
});

it.each(["[", '{"market.sqlite":1}', "[1]"])(
  "refuses a start with the broken list %s in one sentence",
  async (content) => {
    writeFileSync(place("files.json"), content);
    expect(await refused()).toMatch(
      /^\S+files\.json cannot be read \([^\n]+\)\. Restore it from a backup, or remove it when all databases are in \S+\.\n$/,
    );
  },
);
