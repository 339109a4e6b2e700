import type { ConnectResult } from "../load/socket-fleet.ts";
import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bareSocketIo } from "../support/bare-socketio.ts";
import { fill, ids, inboxOf, noticesOf } from "../support/data-set.ts";
import { queriesDuring } from "../support/queries.ts";
import { loadNote, rounds } from "../support/rounds.ts";
import { SocketFleet } from "../support/socket-fleet.ts";
import { souk } from "../support/systems.ts";

const sockets = 5_000;
/** Unread notices in each inbox. */
const unread = 3;

export default {
  name: "reconnect",
  description: `${sockets.toLocaleString("en")} sockets reconnect at once, until the last has its inbox`,

  async run(): Promise<Outcome> {
    const inboxes = ids(sockets).map((id) => [...noticesOf(id, unread, unread)]);
    const ours = await souk();
    const bare = await bareSocketIo(inboxOf(inboxes[0]!));
    const fleet = new SocketFleet();
    try {
      await fill(ours.notices, inboxes.flat());
      const tokens = await Promise.all(inboxes.map(([first]) => ours.token(first!.userId)));
      const systems = [
        { name: ours.name, sockets: ours.sockets },
        { name: "bare Socket.IO", sockets: bare.sockets },
      ];
      const measured = await rounds(systems, ({ sockets }) => reconnect(fleet, sockets, tokens));
      return outcome(systems, measured);
    } finally {
      fleet.end();
      await Promise.all([ours.stop(), bare.end()]);
    }
  },
} satisfies Row;

type Measured = ConnectResult & { queriesPerSocket: number };

async function reconnect(fleet: SocketFleet, url: string, tokens: string[]): Promise<Measured> {
  let result!: ConnectResult;
  const queries = await queriesDuring(async () => (result = await fleet.connect(url, tokens)));
  await fleet.disconnect();
  return { ...result, queriesPerSocket: queries / sockets };
}

function outcome(systems: { name: string }[], measured: Map<unknown, Measured[]>): Outcome {
  const seconds = systems.map((system) => measured.get(system)!.map(({ seconds }) => seconds));
  return {
    figures: systems.map(({ name }, n) => ({
      system: name,
      metric: "until the last inbox",
      unit: "s",
      values: seconds[n]!,
    })),
    ratios: [
      {
        name: "until the last inbox",
        against: "bare Socket.IO",
        values: dividedBy(seconds[0]!, seconds[1]!),
        goal: { atMost: 2 },
      },
      {
        name: "queries per socket",
        against: "an absolute limit",
        values: measured.get(systems[0]!)!.map(({ queriesPerSocket }) => queriesPerSocket),
        goal: { atMost: 1 },
      },
    ],
    notes: [
      `Each socket is of a different user and receives an inbox of ${unread} notices; bare Socket.IO does not authenticate and sends an inbox of the same size.`,
      loadNote(measured),
    ],
  };
}
