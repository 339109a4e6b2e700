import { setTimeout as pause } from "node:timers/promises";
import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bareIo } from "../support/bareIo.ts";
import { souk } from "../support/contestants.ts";
import { Crowd } from "../support/crowd.ts";
import { ids, inboxOf } from "../support/goods.ts";
import { memoryOf } from "../support/process.ts";

const rounds = 5;
const sockets = 10_000;
/** Until a server has cleared up what connecting cost it (ms). */
const settled = 2_000;

interface Held {
  sockets: string;
  pid: number;
  tokens: string[];
}

export default {
  name: "sockets",
  what: `memory per idle socket, ${sockets.toLocaleString("en")} held on one node`,

  async run(): Promise<Outcome> {
    const ours: number[] = [];
    const theirs: number[] = [];
    // New processes each round: what a process once had of the system it keeps.
    for (let round = 0; round < rounds; round++) {
      ours.push(await ofSouk());
      theirs.push(await ofBare());
    }
    const figure = (who: string, values: number[]) => ({ who, what: "resident memory per idle socket", unit: "KB", values });
    return {
      figures: [figure("souk", ours), figure("bare Socket.IO", theirs)],
      ratios: [{ name: "memory per idle socket", against: "bare Socket.IO", values: dividedBy(ours, theirs), goal: { atMost: 1.15 } }],
      notes: [`In each round ${sockets} were held on one node, each of a user of its own, authorized and with an inbox.`],
    };
  },
} satisfies Row;

async function ofSouk(): Promise<number> {
  const market = await souk();
  try {
    const tokens = await Promise.all(ids(sockets).map((id) => market.token(id)));
    return await perSocket({ sockets: market.sockets, pid: market.nodes.notifications!.child.pid!, tokens });
  } finally {
    await market.stop();
  }
}

async function ofBare(): Promise<number> {
  const bare = await bareIo(inboxOf([]));
  try {
    return await perSocket({ sockets: bare.sockets, pid: bare.child.pid!, tokens: Array<string>(sockets).fill("") });
  } finally {
    await bare.end();
  }
}

/** KB of resident memory; of the first thousand, which bring code and pools along, nothing is counted. */
async function perSocket({ sockets, pid, tokens }: Held): Promise<number> {
  const crowd = new Crowd();
  try {
    await crowd.arrive(sockets, tokens.slice(0, 1_000), 100);
    await crowd.leave();
    await pause(settled);
    const before = memoryOf(pid);
    await crowd.arrive(sockets, tokens, 100);
    await pause(settled);
    return (memoryOf(pid) - before) / tokens.length / 1024;
  } finally {
    crowd.end();
  }
}
