/**
 * Mutation test of the chaos suite: breaks a copy of Souk in one way at a time and expects a scenario of the protocol suite to fail.
 * Exits with 1 when a mutant survives. Arguments select the mutants whose name contains one of them.
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
  /** Part of the title of the scenario that must fail. */
  scenario: string;
  /** File, text that occurs in it exactly once, replacement. */
  patches: [string, string, string][];
}

const market = "services/market.service.ts";
const notifications = "services/notifications.service.ts";
const inbox = "services/notifications/inbox.ts";
const relay = "outbox/relay.ts";

const mutants: Mutant[] = [
  {
    name: "a read and an unconditional write sell the item, instead of one conditional write",
    scenario: "one call without faults",
    patches: [
      [
        market,
        "const item = await this.store.change(\n        sellable(id, buyerId, price),",
        "const found = await this.store.one(sellable(id, buyerId, price));\n const item = found && await this.store.change({ _id: id },",
      ],
    ],
  },
  {
    name: "an entry is marked delivered before the call",
    scenario: "sale written, notify not called",
    patches: [
      [
        relay,
        "await this.#leases.mark(lease, await this.#receivers.deliver(lease, receivers, call));",
        'await this.#leases.mark(lease, [{ notice: { state: "delivered" } }]);\n await this.#receivers.deliver(lease, receivers, call);',
      ],
    ],
  },
  {
    name: "no lease: every node delivers every due entry",
    scenario: "after an outage",
    patches: [["outbox/leases.ts", "if (count === found.length)", "if (count >= 0)"]],
  },
  {
    name: "no initial lease: the relay delivers what the buy is delivering",
    scenario: "one call without faults",
    patches: [
      [
        "domain/outbox.ts",
        '({ "outbox.dueAt": { $lte: now.toISOString() } })',
        '({ "outbox.dueAt": { $lte: now && "9" } })',
      ],
    ],
  },
  {
    name: "notify does not de-duplicate by id",
    scenario: "delivered repeatedly",
    patches: [["domain/inbox.ts", "_id: keyOf(userId, named),", "_id: keyOf(userId, freshId),"]],
  },
  {
    name: "notify answers before the notice is stored",
    scenario: "notify called, notice not stored",
    patches: [
      [
        inbox,
        "return await this.#store.insert(notice);",
        "void this.#store.insert(notice).catch(() => {});\n return notice;",
      ],
    ],
  },
  {
    name: "no relay: a delivery that fails once is not retried",
    scenario: "sale written, notify not called",
    patches: [
      [relay, "while (this.#isPollWanted && this.#receivers.isAnyReady())", "while (false)"],
    ],
  },
  {
    name: "an outage makes a dead letter",
    scenario: "notice stored, not answered",
    patches: [["domain/outbox.ts", 'if (code === "BAD_DATA")', "if (code)"]],
  },
  {
    name: "no reconciliation after RabbitMQ is back",
    scenario: "after it lost RabbitMQ",
    patches: [
      [notifications, "return this.reconcile();", "return;"],
      [notifications, "setInterval(() => this.reconcile(),", "setInterval(() => {},"],
    ],
  },
  {
    name: "notices are pushed to the sockets of one node only",
    scenario: "one call without faults",
    patches: [
      [notifications, 'this.broadcast("notifications.stored", { userId, notification });', ""],
      [notifications, "setInterval(() => this.reconcile(),", "setInterval(() => {},"],
    ],
  },
];

const source = join(import.meta.dirname, "../..");
const names = process.argv.slice(2);

/** A patched copy of the working tree. Throws when a text does not occur once: the mutant would prove nothing. */
function copyOf({ name, patches }: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), "souk-mutant-"));
  const isCode = (path: string) =>
    !["node_modules", ".git", "data", "coverage"].includes(basename(path));
  cpSync(source, copy, { recursive: true, filter: isCode });
  symlinkSync(join(source, "node_modules"), join(copy, "node_modules"));
  for (const [file, text, replacement] of patches) {
    const before = readFileSync(join(copy, file), "utf8");
    if (before.split(text).length !== 2)
      throw new Error(
        `The mutant "${name}" does not apply: ${file} must contain exactly once: ${text}`,
      );
    writeFileSync(
      join(copy, file),
      before.replace(text, () => replacement),
    );
  }
  return copy;
}

/** Runs the scenario, or all of them when it is empty. */
async function run(
  copy: string,
  scenario: string,
  env: NodeJS.ProcessEnv,
): Promise<{ hasFailed: boolean; output: string }> {
  const jest = [
    "--experimental-vm-modules",
    "node_modules/jest/bin/jest.js",
    "--runInBand",
    "--forceExit",
    "test/chaos/protocol",
  ];
  const child = spawn(process.execPath, [...jest, ...(scenario ? ["-t", scenario] : [])], {
    cwd: copy,
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { hasFailed: code !== 0, output };
}

/** The invariants in the failed expectation. A failure for another reason proves nothing. */
const violatedIn = (output: string) =>
  Object.keys(invariants).filter((invariant) =>
    new RegExp(`^\\s*\\+\\s+"?${invariant}"?: Array`, "m").test(output),
  );

const selected = mutants.filter(
  ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
);
// Report every mutant that does not apply before the first run.
for (const mutant of selected) rmSync(copyOf(mutant), { recursive: true });

const control: Mutant = { name: "unpatched", scenario: "", patches: [] };

/** Its row of the table, and whether the suite failed for a mutant and passed for the control. */
async function test(mutant: Mutant, env: NodeJS.ProcessEnv): Promise<[string[], boolean]> {
  const { name, scenario, patches } = mutant;
  const copy = copyOf(mutant);
  const { hasFailed, output } = await run(copy, scenario, env);
  rmSync(copy, { recursive: true, force: true });
  const violated = violatedIn(output);
  const isControl = patches.length === 0;
  const isExpected = isControl ? !hasFailed : violated.length > 0;
  if (!isExpected) console.error(output);
  const result = isControl ? (hasFailed ? "FAILED" : "passed") : violated.join(", ") || "SURVIVED";
  return [[name, scenario || "every scenario", result], isExpected];
}

const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
const rows: string[][] = [];
let unexpected = 0;
try {
  for (const mutant of [...(names.length === 0 ? [control] : []), ...selected]) {
    const [row, isExpected] = await test(mutant, { AMQP_URL: rabbit.url, MONGO_URL: mongo.url });
    if (!isExpected) unexpected++;
    rows.push(row);
    console.log(row.join(" → "));
  }
} finally {
  await Promise.all([rabbit.stop(), mongo.stop()]);
}
const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
console.log(
  `\n${rows.map(([a, b, c]) => `${a!.padEnd(widths[0]!)}  ${b!.padEnd(widths[1]!)}  ${c}`).join("\n")}`,
);
process.exit(unexpected > 0 ? 1 : 0);
