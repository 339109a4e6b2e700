/** The models that `npm run prove` checks. */
import type { Check } from "./tlc.ts";

export interface Model extends Check {
  name: string;
}

const relay = { Workers: "{w1, w2}", Nobody: "Nobody", Ended: "Ended", LeasesHold: "FALSE" };
const outbox = ["DeliveredIsTrue", "KeptOnce", "OneCallWithoutFaults", "PendingIsFound"];

export const models = {
  sale: {
    name: "sale: one item, two buyers, two nodes, one fault",
    module: "Sale",
    symmetry: "Symmetry",
    constants: {
      ...relay,
      ...{ Docs: "{item}", Item: "item", Kinds: '{"notice"}', SaleIds: "{s1, s2}" },
      ...{ Buyers: "{b1, b2}", NoBuyer: "NoBuyer", MaxFaults: "1" },
    },
    invariants: [
      ...outbox,
      ...["SoldOnce", "AnswersAreTrue", "SaleHasItsEntry", "NoNoticeWithoutSale"],
    ],
    properties: ["NothingForgotten", "SaleStays"],
  },
  notified: {
    name: "sale: the seller is notified in the end",
    module: "Sale",
    constants: {
      ...relay,
      ...{ Docs: "{item}", Item: "item", Kinds: '{"notice"}', SaleIds: "{s1}" },
      ...{ Buyers: "{b1}", NoBuyer: "NoBuyer", MaxFaults: "1" },
    },
    properties: ["SellerIsNotified"],
  },
  entries: {
    name: "outbox: two kinds of entries in one document, one fault",
    module: "Outbox",
    symmetry: "Symmetry",
    constants: {
      ...relay,
      ...{ Docs: "{d1}", Kinds: '{"push", "mail"}', FirstEntries: "<- FirstNow", MaxFaults: "1" },
    },
    invariants: outbox,
    properties: ["NothingForgotten"],
  },
  groups: {
    name: "outbox: two documents in one claim and one mark",
    module: "Outbox",
    symmetry: "Symmetry",
    constants: {
      ...relay,
      ...{ Docs: "{d1, d2}", Kinds: '{"notice"}', FirstEntries: "<- OneNow", MaxFaults: "0" },
    },
    invariants: outbox,
    properties: ["NothingForgotten"],
  },
  settled: {
    name: "outbox: every entry is settled in the end, also after a crash or a wrong clock",
    module: "Outbox",
    constants: {
      ...relay,
      LeasesHold: "TRUE",
      ...{ Docs: "{d1}", Kinds: '{"notice"}', FirstEntries: "<- OneNow", MaxFaults: "1" },
    },
    properties: ["EverythingIsSettled"],
  },
  escalation: {
    name: "escalation: a receipt cancels what has not fallen due",
    module: "Escalation",
    symmetry: "Symmetry",
    constants: {
      ...relay,
      ...{ Docs: "{notice}", Notice: "notice", Kinds: '{"mail"}', MaxFaults: "1" },
    },
    invariants: [...outbox, "ReceiptCancels", "CancelledIsShown"],
    properties: ["NothingForgotten"],
  },
  escalated: {
    name: "escalation: an unseen notice is escalated in the end",
    module: "Escalation",
    constants: {
      ...relay,
      ...{ Docs: "{notice}", Notice: "notice", Kinds: '{"mail"}', MaxFaults: "1" },
    },
    properties: ["UnseenIsEscalated"],
  },
  devices: {
    name: "devices: two nodes, two notices, one fault",
    module: "Devices",
    symmetry: "Symmetry",
    constants: {
      ...{ Nodes: "{n1, n2}", Notices: "{x1, x2}", Nowhere: "Nowhere", MaxFaults: "1" },
    },
    invariants: ["ShownIsStored", "NothingIsMissed"],
  },
  shown: {
    name: "devices: every notice is shown in the end",
    module: "Devices",
    constants: {
      ...{ Nodes: "{n1, n2}", Notices: "{x1}", Nowhere: "Nowhere", MaxFaults: "1" },
    },
    properties: ["EveryNoticeIsShown"],
  },
} satisfies Record<string, Model>;
