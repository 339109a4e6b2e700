import { createHash } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Middleware } from "moleculer";

/**
 * Middleware that locks a folder for this process while the broker runs: NeDB files serve one process. The lock is
 * a listening socket. The kernel closes it when its process dies in any way, so a stale lock cannot remain.
 */
export function exclusive(folder: string): Middleware {
  let lock: Server | undefined;
  return {
    name: "FolderLock",
    async starting() {
      lock = await listen(socketPath(folder)).catch(() => {
        throw new Error(
          `${folder} is in use by another Souk process. Stop that process, or set DATA_DIR to another folder.`,
        );
      });
    },
    stopped: async () => void lock?.close(),
  };
}

/** Linux has abstract socket addresses. Other systems need a socket file, which remains when its process is killed. */
function socketPath(folder: string): string {
  const name = `souk-${createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32)}`;
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);
}

async function listen(path: string, isRetry = false): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) =>
      server.once("error", reject).listen(path, resolve),
    );
    return server.unref();
  } catch (error) {
    if (isRetry || path.startsWith("\0") || (await hasListener(path))) throw error;
    rmSync(path, { force: true });
    return listen(path, true);
  }
}

const hasListener = (path: string) =>
  new Promise<boolean>((resolve) => {
    const probe = connect(path, () => resolve(true)).on("error", () => resolve(false));
    probe.on("close", () => probe.destroy());
  });
