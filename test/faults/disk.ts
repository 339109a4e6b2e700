/** A folder under faults.c: power cuts, and calls that fail. For processes that are started with its environment. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { seeded } from "../chaos/random.ts";
import { failCalls, failedCalls, mendCalls, type Fault } from "./control.ts";
import { DiskModel, encode, readHistory, type Change } from "./history.ts";
import { afterPowerCut } from "./power-cut.ts";

/** Compiles faults.c once per version of it. Throws one sentence when there is no C compiler. */
export function faultLibrary(): string {
  const source = join(import.meta.dirname, "faults.c");
  const version = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const library = join(tmpdir(), `souk-faults-${version}-${process.getuid?.()}.so`);
  if (existsSync(library)) return library;
  const unfinished = `${library}.${process.pid}`;
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", unfinished, source, "-ldl"], {
      stdio: "pipe",
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new Error(
      `These tests need Linux and a C compiler with its headers (apt-get install gcc libc6-dev). ${stderr ?? message}`,
      { cause: error },
    );
  }
  renameSync(unfinished, library);
  return library;
}

export class Disk {
  /** The folder on the disk. The folders above it are not part of it. */
  readonly folder: string;
  private readonly own = mkdtempSync(join(tmpdir(), "souk-disk-"));
  private readonly log = join(this.own, "log");
  private readonly control = join(this.own, "fault");

  /** `folder` exists, and everything in it is synced. */
  constructor(folder: string) {
    this.folder = realpathSync(folder);
    this.begin(new DiskModel());
  }

  /** The environment of a process that uses the folder. Only one such process runs at a time. */
  environment({ recording = true } = {}): Record<string, string> {
    return {
      LD_PRELOAD: faultLibrary(),
      FAULTS_FOLDER: this.folder,
      FAULTS_CONTROL: this.control,
      ...(recording && { FAULTS_LOG: this.log }),
    };
  }

  /** Everything since the last power cut or restart. */
  history(): Change[] {
    return readHistory(this.log);
  }

  /**
   * Power cuts at `count` random moments of the history, each with another selection of what the disk stored: `check` gets
   * what the process had printed until then, and a folder as it would be found. The history stays as it is.
   */
  async eachPowerCut(
    count: number,
    seed: number,
    check: (printed: string, folder: string, cut: string) => void | Promise<void>,
  ): Promise<void> {
    const history = this.history();
    const random = seeded(seed);
    const moments = Array.from({ length: count }, () => Math.floor(random() * history.length));
    moments.sort((a, b) => a - b);
    const model = new DiskModel();
    let printed = "";
    let done = 0;
    for (const [n, moment] of moments.entries()) {
      for (; done <= moment; done++) {
        model.apply(history[done]!);
        if (history[done]!.kind === "print") printed += `${history[done]!.data}`;
      }
      const found = mkdtempSync(join(tmpdir(), "souk-cut-"));
      try {
        this.write(afterPowerCut(model, this.folder, n), found);
        await check(
          printed,
          found,
          `cut ${n} of seed ${seed}, after change ${moment} of ${history.length}`,
        );
      } finally {
        rmSync(found, { recursive: true, force: true });
      }
    }
  }

  /** Once the process is dead: the folder as a disk may hold it after a power cut. */
  powerCut(seed: number): void {
    this.write(afterPowerCut(modelOf(this.history()), this.folder, seed));
    this.begin(new DiskModel());
  }

  /**
   * Once the process is dead: the folder as the next process finds it without a power cut. It has every change, and what is
   * not synced is still not synced. With a part of the history, as if the process had been killed at its end.
   */
  restart(history = this.history()): void {
    const model = modelOf(history);
    this.write(afterPowerCut(model, this.folder, 1));
    this.begin(model);
  }

  /** From now on calls fail, until `mend`. */
  fail(fault: Fault): void {
    failCalls(fault, this.control);
  }

  mend(): void {
    mendCalls(this.control);
  }

  /** The calls that have failed since `fail`, as "operation path". */
  failed(): string[] {
    return failedCalls(this.control);
  }

  remove(): void {
    rmSync(this.own, { recursive: true, force: true });
  }

  private write(files: Map<string, Buffer | undefined>, to = this.folder): void {
    for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true });
    for (const [path, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const place = join(to, relative(this.folder, path));
      if (bytes) writeFileSync(place, bytes, { mode: 0o600 });
      else mkdirSync(place);
    }
  }

  /** A new log for the files in the folder. What `model` has not synced stays pending. */
  private begin(model: DiskModel): void {
    const pending = model.names(1, this.folder);
    const bytes: Buffer[] = [];
    const add = (kind: Change["kind"], inode = 0n, data: Buffer = Buffer.alloc(0)) =>
      bytes.push(encode({ kind, inode, offset: 0, data }));
    for (const name of readdirSync(this.folder, { recursive: true }) as string[]) {
      const path = join(this.folder, name);
      const inode = statSync(path, { bigint: true });
      const known = pending.get(path);
      add(inode.isDirectory() ? "mkdir" : "create", inode.ino, Buffer.from(path));
      add("sync names", 0n, Buffer.from(dirname(path)));
      if (inode.isDirectory()) continue;
      add("write", inode.ino, known ? known.synced.all() : readFileSync(path));
      add("sync", inode.ino);
      for (const change of known?.pending ?? [])
        bytes.push(encode({ ...change, inode: inode.ino }));
    }
    writeFileSync(this.log, Buffer.concat(bytes));
  }
}

function modelOf(history: Change[]): DiskModel {
  const model = new DiskModel();
  for (const change of history) model.apply(change);
  return model;
}
