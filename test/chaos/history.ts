/** What clients and devices observed, recorded during the run and checked afterwards. Times are ms on one monotonic clock. */
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";

/** `unknown`: no response, or a 5xx. The buy may have happened; a retry shows the outcome. */
export type Outcome =
  | { type: "ok"; saleId: string }
  | { type: "refused"; code: string }
  | { type: "unknown"; reason: string };

/** One request to buy. A retry after an unknown outcome is another entry. */
export interface Buy {
  buyerId: string;
  itemId: string;
  startedAt: number;
  endedAt: number;
  outcome: Outcome;
}

/** A user's device and the notices it showed: pushed, from its inbox, or from the list that continues the inbox. */
export interface DeviceHistory {
  name: string;
  userId: string;
  shown: { noticeId: string; at: number; from: "push" | "inbox" | "list" }[];
  /** Whether it was connected at the end, when the cluster was healthy again. */
  isConnected: boolean;
}

/** A request during a fault. It must succeed when nothing that it depends on is faulty. */
export interface Probe {
  surface: string;
  startedAt: number;
  endedAt: number;
  mustSucceed: boolean;
  /** Undefined after a success. */
  failure?: string;
}

/** A notice that a market node sent to notifications, in a call of its own or in a batch. */
export interface NotifyCall {
  saleId: string;
  at: number;
}

export interface History {
  buys: Buy[];
  probes: Probe[];
  devices: DeviceHistory[];
  calls: NotifyCall[];
  /** Notices that the test itself delivered again. */
  resent: NotifyCall[];
  /** Periods without faults, in which each notice takes one call. */
  faultFree: { from: number; to: number }[];
}

/** The documents in the databases at the end. */
export interface FinalState {
  items: Pick<ItemDocument, "_id" | "sellerId" | "isSold" | "buyerId" | "saleId" | "outbox">[];
  notices: Pick<NoticeDocument, "_id" | "id" | "userId">[];
}
export const newHistory = (): History => ({
  buys: [],
  probes: [],
  devices: [],
  calls: [],
  resent: [],
  faultFree: [],
});

export const now = (): number => performance.now();
