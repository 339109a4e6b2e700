import { setTimeout as pause } from "node:timers/promises";
import type { Node } from "../../bin/processes/node-process.ts";
import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bareSocketIo } from "../support/bare-socketio.ts";
import { ids, inboxOf } from "../support/data-set.ts";
import { heapOf, heapReport } from "../support/heap.ts";
import { residentMemory } from "../support/process.ts";
import { SocketFleet } from "../support/socket-fleet.ts";
import { souk } from "../support/systems.ts";

const rounds = 5;
const sockets = 10_000;
/** Time for a server to release the memory for connecting sockets and its rate-limit windows (ms). */
const settleMs = 12_000;

/** Memory per socket (KB). */
interface Memory {
  resident: number;
  heap: number;
}

export default {
  name: "sockets",
  description: `memory per idle socket, ${sockets.toLocaleString("en")} held on one node`,

  async run(): Promise<Outcome> {
    const measured: { souk: Memory; bare: Memory }[] = [];
    for (let round = 0; round < rounds; round++) measured.push(await measureBoth());
    const [souk, bare] = [measured.map((one) => one.souk), measured.map((one) => one.bare)];
    const resident = (memory: Memory[]) => memory.map((one) => one.resident);
    const heap = (memory: Memory[]) => memory.map((one) => one.heap);
    const figures = (system: string, memory: Memory[]) => [
      { system, metric: "resident memory per idle socket", unit: "KB", values: resident(memory) },
      { system, metric: "live heap per idle socket", unit: "KB", values: heap(memory) },
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
        `In each round new processes of both hold ${sockets.toLocaleString("en")} sockets at the same time, each with a token in its handshake. Souk's are of different users, authorized and with an inbox.`,
        `Resident memory is read ${settleMs / 1000} s after the last connect, without a forced garbage collection; the live heap is read after one.`,
      ],
    };
  },
} satisfies Row;

/** Starts new processes, because a process does not return all memory to the system. */
async function measureBoth(): Promise<{ souk: Memory; bare: Memory }> {
  const market = await souk((role) => (role === "notifications" ? heapReport : {}));
  const bare = await bareSocketIo(inboxOf([]), heapReport);
  const nodes = [market.nodes.notifications!, bare];
  const fleets = nodes.map(() => new SocketFleet());
  const connect = async (tokens: string[]) => {
    for (const [n, fleet] of fleets.entries()) await fleet.connect(nodes[n]!.sockets, tokens, 100);
  };
  const disconnect = async () => {
    for (const fleet of fleets) await fleet.disconnect();
  };
  try {
    const tokens = await Promise.all(ids(sockets).map((id) => market.token(id)));
    // The first thousand load code and fill pools. They do not count.
    await connect(tokens.slice(0, 1_000));
    await disconnect();
    await pause(settleMs / 2);
    const before = nodes.map(residentOf);
    await connect(tokens);
    await pause(settleMs);
    const resident = nodes.map(residentOf);
    const heap = await Promise.all(nodes.map(heapOf));
    await disconnect();
    await pause(settleMs / 4);
    const emptyHeap = await Promise.all(nodes.map(heapOf));
    const perSocket = (more: number, less: number) => (more - less) / sockets / 1024;
    const [ours, theirs] = nodes.map((_, n) => ({
      resident: perSocket(resident[n]!, before[n]!),
      heap: perSocket(heap[n]!, emptyHeap[n]!),
    }));
    return { souk: ours!, bare: theirs! };
  } finally {
    for (const fleet of fleets) fleet.end();
    await Promise.all([market.stop(), bare.end()]);
  }
}

const residentOf = (node: Node) => residentMemory(node.child.pid!);
