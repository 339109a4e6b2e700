/** What clients and devices saw: written down as it happens, judged afterwards. Times are ms on one monotonic clock. */

/** `unknown`: no answer, or a 5xx. It may have been carried out; asking again tells. */
export type Outcome =
  { is: "ok"; saleId: string } | { is: "refused"; code: string } | { is: "unknown"; why: string };

/** One request to buy. A buyer that does not know asks again: another entry. */
export interface Buy {
  buyerId: string;
  itemId: string;
  begun: number;
  ended: number;
  outcome: Outcome;
}

/** A device of a user, with what it showed: pushed, greeted with, or read from the list after a greeting. */
export interface Screen {
  name: string;
  userId: string;
  shown: { noticeId: string; at: number; how: "push" | "inbox" | "list" }[];
  /** Whether it was connected in the end, when everything was well again. */
  isConnected: boolean;
}

/** A request that must succeed at this moment, because nothing that it depends on is dead; or may fail. */
export interface Probe {
  what: string;
  begun: number;
  ended: number;
  mustWork: boolean;
  /** Undefined: it worked. */
  failure?: string;
}

/** A notice that left a market node, in a call of its own or with others. */
export interface Call {
  saleId: string;
  at: number;
}

export interface History {
  buys: Buy[];
  probes: Probe[];
  screens: Screen[];
  calls: Call[];
  /** When nothing was wrong with anything: what happens then is told with one call. */
  calm: { from: number; to: number }[];
}

export const newHistory = (): History => ({
  buys: [],
  probes: [],
  screens: [],
  calls: [],
  calm: [],
});

export const now = (): number => performance.now();
