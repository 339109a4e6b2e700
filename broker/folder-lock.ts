import { createHash } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Middleware } from "moleculer";

/**
 * Lets one process at a time use a folder: the files in it serve one process. The lock is a listening socket, which the kernel
 * closes however its owner dies, so that nothing stale is ever in the way.
 */
export function exclusive(folder: string): Middleware {
  let lock: Server | undefined;
  return {
    name: "OnlyUser",
    async starting() {
      lock = await listen(address(folder)).catch(() => {
        throw new Error(
          `${folder} is in use by another Souk: stop that one, or give this one a DATA_DIR of its own.`,
        );
      });
    },
    stopped: async () => void lock?.close(),
  };
}

/** Linux has addresses without a file; elsewhere a file stands for the lock, and one that nobody listens at is left over. */
function address(folder: string): string {
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
    if (isRetry || path.startsWith("\0") || (await isAnswered(path))) throw error;
    rmSync(path, { force: true });
    return listen(path, true);
  }
}

const isAnswered = (path: string) =>
  new Promise<boolean>((resolve) => {
    const probe = connect(path, () => resolve(true)).on("error", () => resolve(false));
    probe.on("close", () => probe.destroy());
  });
