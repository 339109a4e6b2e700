/** Replaces the notifications service: records the calls, and answers as the test configures it. */
import type { Context, ServiceSchema } from "moleculer";
import { notificationsActions, type Notice } from "../../contracts/notifications.ts";

const { "notifications.notify": one, "notifications.notifyAll": all } = notificationsActions;

export class RecordingReceiver {
  /** Ids in the order of the calls, once per call; and the ids that were accepted. */
  called: string[] = [];
  accepted: string[] = [];
  /** The request id of each notice. */
  traces = new Map<string, string | null>();
  /** Calls in flight, and their maximum. */
  inFlight = 0;
  maxInFlight = 0;
  /** Handles one notice. Its error becomes the error of the call. */
  answer: (notice: Notice) => unknown = () => {};

  reset(): void {
    Object.assign(this, {
      called: [],
      accepted: [],
      traces: new Map(),
      maxInFlight: this.inFlight,
      answer: () => {},
    });
  }

  /** The number of ids by their number of calls: `{1: 5}` means five ids, each once. */
  tally(of: Iterable<string> = this.called): Record<number, number> {
    const wanted = new Set(of);
    const perId = new Map([...wanted].map((id) => [id, 0]));
    for (const id of this.called) if (wanted.has(id)) perId.set(id, perId.get(id)! + 1);
    const counts: Record<number, number> = {};
    for (const times of perId.values()) counts[times] = (counts[times] ?? 0) + 1;
    return counts;
  }

  async receive(notices: Notice[], requestID: string | null): Promise<void> {
    for (const { id } of notices) {
      this.called.push(id!);
      this.traces.set(id!, requestID);
    }
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight);
    try {
      await Promise.all(notices.map((notice) => this.answer(notice)));
      this.accepted.push(...notices.map(({ id }) => id!));
    } finally {
      this.inFlight--;
    }
  }

  get service(): ServiceSchema {
    const notify = async ({ params: notice, requestID }: Context<Notice>) => {
      await this.receive([notice], requestID);
      return { ok: true, id: notice.id };
    };
    const notifyAll = async ({
      params: { notices },
      requestID,
    }: Context<{ notices: Notice[] }>) => {
      await this.receive(notices, requestID);
      return { ok: true };
    };
    const actions = {
      notify: { params: one.params, handler: notify },
      notifyAll: { params: all.params, handler: notifyAll },
    };
    // Moleculer declares `params` as rules of fastest-validator; ours are JSON Schema.
    return { name: "notifications", actions } as unknown as ServiceSchema;
  }
}
