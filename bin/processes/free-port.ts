import { createServer } from "node:net";

/** Below the ephemeral range of Linux, from which outgoing connections take their ports: the port of a stopped server stays free. */
const [lowest, highest] = [10_000, 32_767];
/** Ports are not given out twice: a server may not listen on its port yet. */
const given = new Set<number>();

/** A random free port. With `beside`, the port that far above is free too. */
export async function freePort(beside = 0): Promise<number> {
  const port = lowest + Math.floor(Math.random() * (highest - beside - lowest + 1));
  const ports = [port, port + beside];
  if (ports.some((one) => given.has(one))) return freePort(beside);
  ports.forEach((one) => given.add(one));
  const areFree = (await isFree(port)) && (await isFree(port + beside));
  return areFree ? port : freePort(beside);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
