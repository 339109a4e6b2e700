/**
 * Every service as a process of its own, over AMQP_URL and MONGO_URL: the cluster without Docker, for development. One that dies
 * leaves the others; Ctrl-C or SIGTERM stops them all. The signing keys are kept in DATA_DIR.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writableFolder } from "../broker/folder.ts";
import { encode, keysFromFile, type Keys } from "../broker/keys.ts";
import { serviceNames } from "../contracts/actions.ts";

const dataDir = process.env.DATA_DIR || "./data";
const faults = process.env.AMQP_URL
  ? []
  : ["AMQP_URL is missing: the services talk over RabbitMQ."];
writableFolder("DATA_DIR", dataDir, faults);
const keys = faults.length > 0 ? undefined : keysFromFile(dataDir, faults);
if (!keys || faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}

const running = new Map<string, ChildProcess>();
let stopping = false;

for (const name of serviceNames) {
  // What bounds the memory of this process bounds theirs; its other options, as --inspect and --env-file, are its own.
  const bounds = process.execArgv.filter((option) => option.startsWith("--max-"));
  const args = [...bounds, `${import.meta.dirname}/service.ts`, name];
  const child = spawn(process.execPath, args, { env: environment(name, keys), stdio: "inherit" });
  running.set(name, child);
  console.log(`${name}: pid ${child.pid}`);
  child.on("exit", (code, signal) => {
    running.delete(name);
    console.log(
      `${name} ended with ${signal ?? `exit code ${code}`}${stopping || running.size === 0 ? "" : "; the others go on"}`,
    );
    // Nothing left to leave running: it was the configuration.
    if (running.size === 0 && !stopping) process.exit(1);
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());

async function stop() {
  if (stopping) return;
  stopping = true;
  const children = [...running.values()];
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(
    children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)),
  );
  process.exit(0);
}

/** Each gets the public keys, users alone the private one. */
function environment(name: string, keys: Keys) {
  const { AUTH_PRIVATE_JWK: _, ...rest } = process.env;
  const own = process.env.AUTH_JWKS
    ? { AUTH_PRIVATE_JWK: process.env.AUTH_PRIVATE_JWK }
    : { AUTH_JWKS: encode({ keys: keys.public }), AUTH_PRIVATE_JWK: encode(keys.private!) };
  return { ...rest, ...own, ...(name === "users" ? {} : { AUTH_PRIVATE_JWK: undefined }) };
}
