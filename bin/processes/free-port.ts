import { createServer } from "node:net";

/** A random free port, `from` or up to 25,000 above it. With `beside`, the port that far above is free too. */
export async function freePort(from: number, beside = 0): Promise<number> {
  const port = from + Math.floor(Math.random() * 25_000);
  const free = (await isFree(port)) && (await isFree(port + beside));
  return free ? port : freePort(from, beside);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
