/** Who is told, in the place of notifications: counts the calls and answers as a test says. */
import type { Context, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import { notificationsActions } from "../../contracts/notifications.ts";

const { params } = notificationsActions["notifications.notify"];
type Notice = Static<typeof params>;

export class Listener {
  /** Ids, each as often as it was called with it, in order; and those of them that were answered ok. */
  called: string[] = [];
  told: string[] = [];
  /** The request that each id came with. */
  traces = new Map<string, string | null>();
  /** Calls under way, and the most there ever were. */
  now = 0;
  most = 0;
  /** What it throws is the answer. */
  answer: (notice: Notice) => unknown = () => {};

  reset(): void {
    Object.assign(this, { called: [], told: [], traces: new Map(), most: this.now, answer: () => {} });
  }

  /** How often it was called with each id: `{1: 5}` are five ids, each once. */
  tally(of: Iterable<string> = this.called): Record<number, number> {
    const wanted = new Set(of);
    const perId = new Map([...wanted].map((id) => [id, 0]));
    for (const id of this.called) if (wanted.has(id)) perId.set(id, perId.get(id)! + 1);
    const counts: Record<number, number> = {};
    for (const times of perId.values()) counts[times] = (counts[times] ?? 0) + 1;
    return counts;
  }

  get service(): ServiceSchema {
    const notify = async ({ params: notice, requestID }: Context<Notice>) => {
      this.called.push(notice.id!);
      this.traces.set(notice.id!, requestID);
      this.most = Math.max(this.most, ++this.now);
      try {
        await this.answer(notice);
        this.told.push(notice.id!);
        return { ok: true, id: notice.id };
      } finally {
        this.now--;
      }
    };
    return { name: "notifications", actions: { notify: { params, handler: notify } } } as unknown as ServiceSchema;
  }
}
