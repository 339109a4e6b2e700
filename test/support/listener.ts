/** Who is told, in the place of notifications: counts the calls and answers as a test says. */
import type { Context, ServiceSchema } from "moleculer";
import { notificationsActions, type Notice } from "../../contracts/notifications.ts";

const { "notifications.notify": one, "notifications.notifyAll": all } = notificationsActions;

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
    Object.assign(this, {
      called: [],
      told: [],
      traces: new Map(),
      most: this.now,
      answer: () => {},
    });
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
    const take = async (notices: Notice[], requestID: string | null) => {
      for (const { id } of notices) {
        this.called.push(id!);
        this.traces.set(id!, requestID);
      }
      this.most = Math.max(this.most, ++this.now);
      try {
        await Promise.all(notices.map((notice) => this.answer(notice)));
        this.told.push(...notices.map(({ id }) => id!));
      } finally {
        this.now--;
      }
    };
    const notify = async ({ params: notice, requestID }: Context<Notice>) => {
      await take([notice], requestID);
      return { ok: true, id: notice.id };
    };
    const notifyAll = async ({
      params: { notices },
      requestID,
    }: Context<{ notices: Notice[] }>) => {
      await take(notices, requestID);
      return { ok: true };
    };
    const actions = {
      notify: { params: one.params, handler: notify },
      notifyAll: { params: all.params, handler: notifyAll },
    };
    return { name: "notifications", actions } as unknown as ServiceSchema;
  }
}
