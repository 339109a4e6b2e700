/**
 * A cluster for development, without Docker: each service in a process of its own, over AMQP_URL and MONGO_URL. When
 * one ends, the others keep running. Ctrl-C or SIGTERM stops all. The signing keys are kept in DATA_DIR.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { ConfigurationError, readEnv } from "../broker/env/read.ts";
import { writableFolder } from "../broker/folder.ts";
import { encode, keysFromFile, newKeyPair, type Keys } from "../broker/keys.ts";
import { publicPushKey } from "../broker/push-keys.ts";
import { serviceNames } from "../contracts/actions.ts";

type Environment = Record<string, string | undefined>;

const running = new Map<string, ChildProcess>();
let stopping = false;

try {
  const environments = readConfiguration();
  for (const [name, environment] of environments) start(name, environment);
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  process.exit(1);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());

/** The environment of each service. Throws a ConfigurationError with the faults of all of them. */
function readConfiguration(): Map<string, Environment> {
  const faults = new Set<string>();
  const keys = process.env.AUTH_JWKS ? undefined : readKeys(faults);
  const environments = serviceNames.map((name) => [name, environmentOf(name, keys)] as const);
  for (const [name, environment] of environments)
    for (const fault of faultsOf({ ...environment, SERVICES: name })) faults.add(fault);
  if (faults.size > 0) throw new ConfigurationError([...faults]);
  return new Map(environments);
}

function faultsOf(source: Environment): string[] {
  try {
    readEnv(source);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.faults;
  }
}

/** The keys in DATA_DIR. When they cannot be read, a temporary pair lets the remaining configuration be checked. */
function readKeys(faults: Set<string>): Keys {
  const found: string[] = [];
  const dataDir = process.env.DATA_DIR || "./data";
  writableFolder("DATA_DIR", dataDir, found);
  const keys = found.length === 0 ? keysFromFile(dataDir, found) : undefined;
  if (keys && found.length === 0) return keys;
  for (const fault of found) faults.add(fault);
  const pair = newKeyPair();
  return { public: [pair.public], private: pair.private, samplePassword: undefined };
}

/** Every service gets the public keys, only users the private one of tokens, and only deliveries that of web push. */
function environmentOf(name: string, keys: Keys | undefined): Environment {
  const environment: Environment = { ...process.env };
  if (keys)
    Object.assign(environment, {
      AUTH_JWKS: encode({ keys: keys.public }),
      AUTH_PRIVATE_JWK: encode(keys.private!),
    });
  if (keys?.push && !environment.PUSH_PRIVATE_JWK)
    Object.assign(environment, {
      PUSH_PRIVATE_JWK: encode(keys.push),
      PUSH_PUBLIC_KEY: publicPushKey(keys.push),
    });
  if (name !== "users") delete environment.AUTH_PRIVATE_JWK;
  if (name !== "deliveries") delete environment.PUSH_PRIVATE_JWK;
  return environment;
}

function start(name: string, env: Environment): void {
  // Memory limits apply to each process. Other options, for example --inspect, belong to this one only.
  const limits = process.execArgv.filter((option) => option.startsWith("--max-"));
  const args = [...limits, `${import.meta.dirname}/service.ts`, name];
  const child = spawn(process.execPath, args, { env, stdio: "inherit" });
  running.set(name, child);
  console.log(`Started ${name} (pid ${child.pid}).`);
  child.on("exit", (code, signal) => {
    running.delete(name);
    const rest = stopping || running.size === 0 ? "" : " The other services keep running.";
    console.log(`${name} ended with ${signal ?? `exit code ${code}`}.${rest}`);
    if (running.size === 0 && !stopping) process.exit(1);
  });
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  const children = [...running.values()];
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(
    children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)),
  );
  process.exit(0);
}
