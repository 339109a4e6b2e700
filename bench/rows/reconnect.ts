import { dividedBy } from "../report.ts";
import type { Arrival } from "../devices.ts";
import type { Outcome, Row } from "../row.ts";
import { bareIo } from "../support/bare-io.ts";
import { souk } from "../support/contestants.ts";
import { Crowd } from "../support/crowd.ts";
import { fill, ids, inboxOf, noticesOf } from "../support/goods.ts";
import { queriesDuring } from "../support/queries.ts";
import { noteOfLoad, rounds } from "../support/rounds.ts";

const devices = 5_000;
/** Each finds so many unread notices. */
const unread = 3;

export default {
  name: "reconnect",
  what: `${devices.toLocaleString("en")} devices reconnect at once, until the last has its inbox`,

  async run(): Promise<Outcome> {
    const inboxes = ids(devices).map((id) => [...noticesOf(id, unread, unread)]);
    const ours = await souk();
    const bare = await bareIo(inboxOf(inboxes[0]!));
    const crowd = new Crowd();
    try {
      await fill(ours.notices, inboxes.flat());
      const tokens = await Promise.all(inboxes.map(([first]) => ours.token(first!.userId)));
      const contestants = [
        { who: "souk", sockets: ours.sockets },
        { who: "bare Socket.IO", sockets: bare.sockets },
      ];
      const measured = await rounds(contestants, async ({ sockets }) => {
        let arrival!: Arrival;
        const queries = await queriesDuring(
          async () => (arrival = await crowd.arrive(sockets, tokens)),
        );
        await crowd.leave();
        return { ...arrival, queries: queries / devices };
      });
      const seconds = contestants.map((one) => measured.get(one)!.map(({ seconds }) => seconds));
      return {
        figures: contestants.map(({ who }, n) => ({
          who,
          what: "until the last inbox",
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
            name: "queries a device",
            against: "an absolute bound",
            values: measured.get(contestants[0]!)!.map(({ queries }) => queries),
            goal: { atMost: 1 },
          },
        ],
        notes: [
          `Each device is another user's and gets an inbox of ${unread} notices; bare Socket.IO checks nobody and sends an inbox as large.`,
          noteOfLoad(measured),
        ],
      };
    } finally {
      crowd.end();
      await Promise.all([ours.stop(), bare.end()]);
    }
  },
} satisfies Row;
