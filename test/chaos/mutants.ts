/**
 * Breaks a copy of Souk in ways that matter, one at a time, and shows that a scene of the protocol's suite turns red for each.
 * Exits with 1 when one survives. Names as arguments choose among them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { invariants } from "./checker.ts";
import { sharedMongo, sharedRabbit } from "../../bin/processes/servers.ts";

interface Mutant {
  name: string;
  /** Part of the title of the scene that is there for it. */
  scene: string;
  /** File, text that must be there once, text instead. */
  patches: [string, string, string][];
}

const market = "services/market.service.ts";
const notifications = "services/notifications.service.ts";
const relay = "mixins/outbox.ts";

const mutants: Mutant[] = [
  {
    name: "found unsold, then sold: two writes instead of a conditional one",
    scene: "in calm weather",
    patches: [
      [
        market,
        "const item = await this.store.change(sellable(id, buyerId, price),",
        "const found = await this.store.one(sellable(id, buyerId, price));\n const item = found && await this.store.change({ _id: id },",
      ],
    ],
  },
  {
    name: "marked told before it is called",
    scene: "sale written, notify not called",
    patches: [
      [
        relay,
        "const { outcome, message } = await",
        "await this.told(document._id);\n const { outcome, message } = await",
      ],
    ],
  },
  {
    name: "no lease: who finds a debt pays it",
    scene: "after an outage",
    patches: [[relay, "if (claimed === 0) return [];", "return found;"]],
  },
  {
    name: "no first lease: the relay pays what the buy is paying",
    scene: "in calm weather",
    patches: [
      [
        "domain/outbox.ts",
        '({ "notice.dueAt": { $lte: now.toISOString() } })',
        '({ "notice.dueAt": { $lte: now && "9" } })',
      ],
    ],
  },
  {
    name: "no de-duplication by id in notify",
    scene: "delivered again and again",
    patches: [["domain/inbox.ts", "_id: keyOf(userId, named),", "_id: keyOf(userId, freshId),"]],
  },
  {
    name: "answered before it is stored",
    scene: "notice asked for, not stored",
    patches: [
      [
        notifications,
        "const stored = await this.store.insert(notice)",
        "const stored = notice;\n void this.store.insert(notice)",
      ],
    ],
  },
  {
    name: "no relay: what fails once is never told",
    scene: "sale written, notify not called",
    patches: [[relay, "while (relay.again && this.mayPay())", "while (false)"]],
  },
  {
    name: "an outage counts as a refusal",
    scene: "notice stored, not answered",
    patches: [["domain/outbox.ts", 'if (code === "BAD_DATA")', "if (code)"]],
  },
  {
    name: "no catch-up when RabbitMQ is back",
    scene: "lost RabbitMQ",
    patches: [
      [notifications, "return this.catchUp();", "return;"],
      [
        notifications,
        "setInterval(() => this.catchUp(), lookEvery)",
        "setInterval(() => {}, lookEvery)",
      ],
    ],
  },
  {
    name: "pushed to the sockets of one node alone",
    scene: "in calm weather",
    patches: [
      [notifications, 'this.hint("notifications.stored", { userId, notification });', ""],
      [
        notifications,
        "setInterval(() => this.catchUp(), lookEvery)",
        "setInterval(() => {}, lookEvery)",
      ],
    ],
  },
];

const source = join(import.meta.dirname, "../..");
const chosen = process.argv.slice(2);

/** The working tree as it is, patched. Throws when a text is not there: then the mutant would prove nothing. */
function copyOf({ name, patches }: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), "souk-mutant-"));
  const isCode = (path: string) =>
    !["node_modules", ".git", "data", "coverage"].includes(basename(path));
  cpSync(source, copy, { recursive: true, filter: isCode });
  symlinkSync(join(source, "node_modules"), join(copy, "node_modules"));
  for (const [file, text, instead] of patches) {
    const before = readFileSync(join(copy, file), "utf8");
    if (before.split(text).length !== 2)
      throw new Error(
        `The mutant "${name}" does not fit any more: in ${file} there must be once: ${text}`,
      );
    writeFileSync(
      join(copy, file),
      before.replace(text, () => instead),
    );
  }
  return copy;
}

/** Runs the scene, or all of them. */
async function run(
  copy: string,
  scene: string,
  env: NodeJS.ProcessEnv,
): Promise<{ isRed: boolean; output: string }> {
  const jest = [
    "--experimental-vm-modules",
    "node_modules/jest/bin/jest.js",
    "--runInBand",
    "--forceExit",
    "test/chaos/protocol",
  ];
  const child = spawn(process.execPath, [...jest, ...(scene ? ["-t", scene] : [])], {
    cwd: copy,
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { isRed: code !== 0, output };
}

/** The invariants that the failed expectation names; red for another reason proves nothing. */
const broken = (output: string) =>
  Object.keys(invariants).filter((invariant) =>
    new RegExp(`^\\s*\\+\\s+"?${invariant}"?: Array`, "m").test(output),
  );

const wanted = mutants.filter(
  ({ name }) => chosen.length === 0 || chosen.some((part) => name.includes(part)),
);
// All that does not fit is told before anything is run.
for (const mutant of wanted) rmSync(copyOf(mutant), { recursive: true });

const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
const rows: string[][] = [];
let survivors = 0;
try {
  for (const mutant of [
    ...(chosen.length === 0 ? [{ name: "Souk as it is", scene: "", patches: [] }] : []),
    ...wanted,
  ]) {
    const copy = copyOf(mutant);
    const { isRed, output } = await run(copy, mutant.scene, {
      AMQP_URL: rabbit.url,
      MONGO_URL: mongo.url,
    });
    const caughtBy = broken(output);
    const isAsItShould = mutant.patches.length === 0 ? !isRed : caughtBy.length > 0;
    if (!isAsItShould) {
      survivors++;
      console.error(output);
    }
    rows.push([
      mutant.name,
      mutant.scene || "every scene",
      mutant.patches.length === 0 ? (isRed ? "RED" : "green") : caughtBy.join(", ") || "SURVIVED",
    ]);
    console.log(rows.at(-1)!.join(" → "));
    rmSync(copy, { recursive: true, force: true });
  }
} finally {
  await Promise.all([rabbit.stop(), mongo.stop()]);
}
const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
console.log(
  `\n${rows.map(([a, b, c]) => `${a!.padEnd(widths[0]!)}  ${b!.padEnd(widths[1]!)}  ${c}`).join("\n")}`,
);
process.exit(survivors > 0 ? 1 : 0);
