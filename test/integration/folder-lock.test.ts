/** One market per data folder, however its processes are separated. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Middleware, ServiceBroker } from "moleculer";
import { exclusive } from "../../broker/folder-lock.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import {
  spawnNode,
  startNode,
  temporaryFolder,
  type Node,
} from "../../bin/processes/node-process.ts";

const root = join(import.meta.dirname, "../..");
const nodes: Node[] = [];
const locked: Middleware[] = [];
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL")));
  for (const middleware of locked.splice(0)) await middleware.stopped!(undefined as never);
  folder.remove();
});

/** Locks the folder in this process. */
async function lock(path = folder.path): Promise<void> {
  const middleware = exclusive(path);
  await middleware.starting!({ logger: console } as unknown as ServiceBroker);
  locked.push(middleware);
}

const holder = (path: string) => `
  const { exclusive } = await import(${JSON.stringify(join(root, "broker/folder-lock.ts"))});
  await exclusive(${JSON.stringify(path)}).starting().catch(({ message }) => (console.log(message), process.exit(1)));
  console.log("locked");
  setInterval(() => {}, 1000);
`;
const nodeArguments = (path: string) => ["--input-type=module", "-e", holder(path)];

/** A process that holds the lock of the folder. */
async function startHolder(command: string, args: string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout!.on("data", (chunk) => (printed += chunk));
  await eventually(() => expect(printed).toBe("locked\n"), { within: 20_000 });
  return child;
}

const inUse =
  /^\S+ is in use by another Souk process\. Stop that process, or set DATA_DIR to another folder\.$/;

describe("the lock of a folder", () => {
  it("refuses a second broker in the same process, and keeps refusing other processes afterwards", async () => {
    await lock();
    await expect(lock()).rejects.toThrow(inUse);
    const { stdout, status } = spawnSync(process.execPath, nodeArguments(folder.path), {
      timeout: 20_000,
    });
    expect([status, `${stdout}`.trim()]).toEqual([1, expect.stringMatching(inUse)]);
  });

  it("is free for the next broker when one has stopped", async () => {
    await lock();
    await locked.pop()!.stopped!(undefined as never);
    await lock();
  });

  it("is released by the kernel when its process is killed, and the file that is left behind locks nothing", async () => {
    const child = await startHolder(process.execPath, nodeArguments(folder.path));
    await expect(lock()).rejects.toThrow(inUse);
    child.kill("SIGKILL");
    await eventually(() => lock(), { within: 20_000 });
    expect(statSync(join(folder.path, "lock")).mode & 0o777).toBe(0o600);
  });

  it("holds between containers that share the folder: other networks and other process ids", async () => {
    const separate = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", process.execPath];
    const child = await startHolder("unshare", [...separate, ...nodeArguments(folder.path)]);
    await expect(lock()).rejects.toThrow(inUse);
    const other = spawnSync("unshare", [...separate, ...nodeArguments(folder.path)], {
      timeout: 20_000,
      killSignal: "SIGKILL",
    });
    expect([other.status, `${other.stdout}`.trim()]).toEqual([1, expect.stringMatching(inUse)]);
    child.kill("SIGKILL");
    await eventually(() => lock(), { within: 20_000 });
  });

  it("goes with the folder when it is renamed", async () => {
    await lock();
    const moved = join(folder.path, "../", `${folder.path.split("/").at(-1)}-moved`);
    renameSync(folder.path, moved);
    try {
      await expect(lock(moved)).rejects.toThrow(inUse);
    } finally {
      renameSync(moved, folder.path);
    }
  });

  it.each([
    ["there is no folder", () => rmSync(folder.path, { recursive: true })],
    ["the lock is a folder", () => mkdirSync(join(folder.path, "lock"))],
    [
      "the lock is a file of another kind",
      () => writeFileSync(join(folder.path, "lock"), "x".repeat(4096)),
    ],
  ])("is refused in one sentence when %s", async (_what, prepare) => {
    prepare();
    await expect(lock()).rejects.toThrow(/^\S+lock cannot be locked: [^.]+\.$/);
  });
});

describe("a market", () => {
  const spawnMarket = () => {
    const node = spawnNode([], { DATA_DIR: folder.path });
    nodes.push(node);
    return node;
  };
  const startMarket = async () => {
    const node = await startNode([], { DATA_DIR: folder.path });
    nodes.push(node);
    return node;
  };
  const lines = (node: Node) => node.output().match(/^.*lock was removed or replaced.*$/gm) ?? [];
  const ended = (node: Node) =>
    eventually(() => expect(node.child.exitCode).toBe(1), { within: 60_000 });

  it("locks its folder again when the lock is removed or replaced, and a second market is refused", async () => {
    const node = await startMarket();
    const file = join(folder.path, "lock");
    rmSync(file);
    await eventually(() => expect(lines(node)).toHaveLength(1), { within: 20_000 });
    renameSync(file, `${file}-old`);
    writeFileSync(file, "");
    await eventually(() => expect(lines(node)).toHaveLength(2), { within: 20_000 });
    for (const line of lines(node))
      expect(line).toMatch(/WARN .*: \S+lock was removed or replaced\. It is locked again\.$/);

    const second = spawnMarket();
    await ended(second);
    expect(second.output().trim()).toMatch(inUse);
    expect((await fetch(`${node.api}/health/ready`)).status).toBe(200);
    expect(await node.end()).toBe(0);
  });

  it("ends with one sentence and code 1 when another process locks its folder after the lock was removed", async () => {
    const node = await startMarket();
    const before = node.output();
    rmSync(join(folder.path, "lock"));
    await lock();
    await ended(node);
    expect(node.output().slice(before.length)).toMatch(
      /^\S+ FATAL .*: \S+lock was removed or replaced, and another Souk process has locked \S+ since: this process ends\.\n$/,
    );
  });

  /** Runs a shell command that becomes a market, in a mount namespace of its own. Returns what it prints until it ends. */
  const inOwnMounts = (prepare: string) => {
    const command = `${prepare}; exec ${process.execPath} bin/service.ts`;
    const { status, stderr } = spawnSync("unshare", ["--mount", "sh", "-euc", command], {
      cwd: root,
      env: {
        ...process.env,
        DATA_DIR: folder.path,
        PORT: "0",
        SOCKET_PORT: "0",
        AMQP_URL: "",
        MONGO_URL: "",
      },
    });
    return [status, `${stderr}`.trim()];
  };

  it("is refused in one sentence on a read-only mount, also when it ran there before", async () => {
    const mount = `mount --bind ${folder.path} ${folder.path}; mount -o remount,ro,bind ${folder.path}`;
    const refusal = [1, expect.stringMatching(/- DATA_DIR \S+ cannot be written: EROFS[^\n]*$/)];
    expect(inOwnMounts(mount)).toEqual(refusal);
    const node = await startNode([], { DATA_DIR: folder.path });
    await node.end();
    expect(inOwnMounts(mount)).toEqual(refusal);
  });

  it("keeps the keys that another market made at the same moment in the same folder", async () => {
    const both = [
      spawnNode([], { DATA_DIR: folder.path }),
      spawnNode([], { DATA_DIR: folder.path }),
    ];
    nodes.push(...both);
    await eventually(
      () => {
        expect(both.filter((node) => node.output().includes(" is open"))).toHaveLength(1);
        expect(both.filter((node) => node.child.exitCode === 1)).toHaveLength(1);
      },
      { within: 60_000 },
    );
    const { samplePassword } = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8")) as {
      samplePassword: string;
    };
    const open = both.find((node) => node.output().includes(" is open"))!;
    expect(open.output()).toContain(`The password of each is ${samplePassword}`);
  });
});
