import { setTimeout as pause } from "node:timers/promises";
import type { Node } from "../../bin/processes/node-process.ts";
import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bareIo } from "../support/bare-io.ts";
import { souk } from "../support/contestants.ts";
import { Crowd } from "../support/crowd.ts";
import { ids, inboxOf } from "../support/goods.ts";
import { memoryOf } from "../support/process.ts";
import { heapOf, weighable } from "../support/heap.ts";

const rounds = 5;
const sockets = 10_000;
/** Until a server has cleared up what connecting cost it, and forgotten whom it counted (ms). */
const settled = 12_000;

/** Memory per socket (KB). */
interface Weight {
  resident: number;
  heap: number;
}

export default {
  name: "sockets",
  what: `memory per idle socket, ${sockets.toLocaleString("en")} held on one node`,

  async run(): Promise<Outcome> {
    const measured: { souk: Weight; bare: Weight }[] = [];
    for (let round = 0; round < rounds; round++) measured.push(await bothHold());
    const [souk, bare] = [measured.map((one) => one.souk), measured.map((one) => one.bare)];
    const resident = (weights: Weight[]) => weights.map((weight) => weight.resident);
    const heap = (weights: Weight[]) => weights.map((weight) => weight.heap);
    const figures = (who: string, weights: Weight[]) => [
      { who, what: "resident memory per idle socket", unit: "KB", values: resident(weights) },
      { who, what: "live heap per idle socket", unit: "KB", values: heap(weights) },
    ];
    const goal = { atMost: 1.15 };
    const against = "bare Socket.IO";
    return {
      figures: [...figures("souk", souk), ...figures(against, bare)],
      ratios: [
        {
          name: "memory per idle socket",
          against,
          values: dividedBy(resident(souk), resident(bare)),
          goal,
        },
        {
          name: "live heap per idle socket",
          against,
          values: dividedBy(heap(souk), heap(bare)),
          goal,
        },
      ],
      notes: [
        `In each round new processes of both held ${sockets.toLocaleString("en")} at the same time, each with a token in its handshake: Souk's are of a user each, authorized and with an inbox.`,
        `Resident memory is read ${settled / 1000} s after the last came, without asking for a collection of garbage; the live heap after one.`,
      ],
    };
  },
} satisfies Row;

/** New processes: what a process once had of the system it keeps. */
async function bothHold(): Promise<{ souk: Weight; bare: Weight }> {
  const market = await souk((role) => (role === "notifications" ? weighable : {}));
  const bare = await bareIo(inboxOf([]), weighable);
  const nodes = [market.nodes.notifications!, bare];
  const crowds = nodes.map(() => new Crowd());
  try {
    const tokens = await Promise.all(ids(sockets).map((id) => market.token(id)));
    const arrive = async (who: string[]) => {
      for (const [n, crowd] of crowds.entries()) await crowd.arrive(nodes[n]!.sockets, who, 100);
    };
    // The first thousand bring code and pools along; of these nothing is counted.
    await arrive(tokens.slice(0, 1_000));
    for (const crowd of crowds) await crowd.leave();
    await pause(settled / 2);
    const before = nodes.map(residentOf);
    await arrive(tokens);
    await pause(settled);
    const resident = nodes.map(residentOf);
    const heap = await Promise.all(nodes.map(heapOf));
    for (const crowd of crowds) await crowd.leave();
    await pause(settled / 4);
    const without = await Promise.all(nodes.map(heapOf));
    const perSocket = (more: number, less: number) => (more - less) / sockets / 1024;
    const [ours, theirs] = nodes.map((_, n) => ({
      resident: perSocket(resident[n]!, before[n]!),
      heap: perSocket(heap[n]!, without[n]!),
    }));
    return { souk: ours!, bare: theirs! };
  } finally {
    for (const crowd of crowds) crowd.end();
    await Promise.all([market.stop(), bare.end()]);
  }
}

const residentOf = (node: Node) => memoryOf(node.child.pid!);
