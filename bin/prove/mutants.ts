/** Mutants of the models: `npm run prove` fails unless TLC refutes each of them. */
import { models, type Model } from "./models.ts";
import { modules, type Check } from "./tlc.ts";

/** A model with one mistake. TLC must find a behaviour that violates the property. */
export interface Mutant {
  name: string;
  model: keyof typeof models;
  violates: string;
  /** Module, text that occurs in it exactly once, replacement. */
  patches: [module: string, text: string, replacement: string][];
}

export const mutants: Mutant[] = [
  {
    name: "a read decides, and an unconditional write sells",
    model: "sale",
    violates: "SoldOnce",
    patches: [
      ["Sale", "  /\\ item.buyer = NoBuyer\n  /\\ item' = serving[w]", "  /\\ item' = serving[w]"],
      ["Sale", "/\\ b \\in asked\n", "/\\ b \\in asked /\\ item.buyer = NoBuyer\n"],
      ["Relay", "  /\\ box[d] = NoOutbox\n", ""],
    ],
  },
  {
    name: "the sale and its outbox entry are two writes",
    model: "sale",
    violates: "SaleHasItsEntry",
    patches: [
      [
        "Sale",
        '  /\\ Enqueue(w, Item, [k \\in Kinds |-> Pending("now")])\n',
        "  /\\ work' = [work EXCEPT ![w] = Idle] /\\ UNCHANGED relayVarsButWork\n",
      ],
      [
        "Sale",
        "NoRequest ==",
        "relayVarsButWork == <<box, wire, kept, calls, isCalm, faults>>\nNoRequest ==",
      ],
    ],
  },
  {
    name: "a repeated request of the buyer is refused",
    model: "sale",
    violates: "AnswersAreTrue",
    patches: [["Sale", "IF item.buyer = serving[w].buyer\n", "IF FALSE\n"]],
  },
  {
    name: "an entry is marked delivered before the call",
    model: "sale",
    violates: "DeliveredIsTrue",
    patches: [["Relay", '"sent" ELSE @[d][k]]]]', '"delivered" ELSE @[d][k]]]]']],
  },
  {
    name: "notify answers before the notice is stored",
    model: "sale",
    violates: "DeliveredIsTrue",
    patches: [["Relay", ' "sent") /\\ kept[<<d, k>>] > 0', ' "sent")']],
  },
  {
    name: "a failed call counts as delivered",
    model: "sale",
    violates: "DeliveredIsTrue",
    patches: [["Relay", 'Outcome(w, d, k, "failed")', 'Outcome(w, d, k, "delivered")']],
  },
  {
    name: "notify does not store by the sender's id",
    model: "sale",
    violates: "KeptOnce",
    patches: [
      ["Relay", "m \\in wire /\\ kept[m] = 0", "m \\in wire /\\ kept[m] < 2"],
      ["Relay", "kept' = [kept EXCEPT ![m] = 1]", "kept' = [kept EXCEPT ![m] = @ + 1]"],
    ],
  },
  {
    name: "a claim takes documents that are not due",
    model: "groups",
    violates: "OneCallWithoutFaults",
    patches: [["Relay", 'won == {d \\in found : box[d].due = "now"}', "won == found"]],
  },
  {
    name: "the writer takes no lease, and delivers directly",
    model: "sale",
    violates: "OneCallWithoutFaults",
    patches: [
      [
        "OutboxRules",
        "IF claim = Nobody THEN Summary(entries) ELSE leaseEnd]",
        "Summary(entries)]",
      ],
    ],
  },
  {
    name: "a mark ignores the version",
    model: "entries",
    violates: "NothingForgotten",
    patches: [
      [
        "Relay",
        " /\\ box[e].version = work[w].seen[e].version}\n      released",
        "}\n      released",
      ],
    ],
  },
  {
    name: "a lease never ends",
    model: "settled",
    violates: "EverythingIsSettled",
    patches: [
      ["Relay", 'LeaseEnds(d) ==\n  /\\ box[d].due = "soon"', "LeaseEnds(d) ==\n  /\\ FALSE"],
    ],
  },
  {
    name: "the due times of a wrong clock stay",
    model: "settled",
    violates: "EverythingIsSettled",
    patches: [["Relay", 'work[w].doing = "nothing" /\\ box[d].due = "far"', "FALSE"]],
  },
  {
    name: "no relay: only the writer delivers",
    model: "notified",
    violates: "SellerIsNotified",
    patches: [["Relay", 'work[w].doing = "nothing" /\\ found # {}', "FALSE"]],
  },
  {
    name: "a receipt does not cancel",
    model: "escalation",
    violates: "ReceiptCancels",
    patches: [["Escalation", "Deliver(w) == ~seenShown[w] /\\ Send(w)", "Deliver(w) == Send(w)"]],
  },
  {
    name: "a claim uses old documents, as they were before time passed",
    model: "escalation",
    violates: "ReceiptCancels",
    patches: [
      ["Relay", "IF won = found /\\ ~work[w].isOld THEN", "IF won = found THEN"],
      [
        "Relay",
        "[work[w] EXCEPT !.isOld = TRUE, !.seen = [d \\in Docs |-> NoOutbox]] ELSE",
        "[work[w] EXCEPT !.isOld = TRUE, !.seen = box'] ELSE",
      ],
    ],
  },
  {
    name: "a notice that was emitted counts as shown",
    model: "escalation",
    violates: "CancelledIsShown",
    patches: [["Escalation", '  /\\ seenShown[w] \\/ shown = "receipt"\n', ""]],
  },
  {
    name: "a socket reads its inbox before it joins the room",
    model: "devices",
    violates: "NothingIsMissed",
    patches: [
      [
        "Devices",
        "  /\\ at # Nowhere /\\ ~inRoom\n",
        '  /\\ at # Nowhere /\\ ~inRoom /\\ reading.is = "read"\n',
      ],
      ["Devices", "  /\\ reading' = InboxDue\n", "  /\\ UNCHANGED reading\n"],
      [
        "Devices",
        '  /\\ reading.is = "due"\n',
        '  /\\ at # Nowhere /\\ ~inRoom /\\ reading.is = "no"\n',
      ],
      [
        "Devices",
        '  /\\ reading.is = "read"\n  /\\ shown\'',
        '  /\\ reading.is = "read" /\\ inRoom\n  /\\ shown\'',
      ],
    ],
  },
  {
    name: "no reconciliation after a lost broadcast",
    model: "shown",
    violates: "EveryNoticeIsShown",
    patches: [["Devices", "  /\\ scan[n] = {} /\\ Cardinality", "  /\\ FALSE /\\ Cardinality"]],
  },
];

/** The check that must fail: only the property that the mutant violates. */
export function checkOf({ model, violates }: Mutant): Check {
  const { module, symmetry, constants, ...of }: Model = models[model];
  const isInvariant = of.invariants?.includes(violates);
  return { module, symmetry, constants, [isInvariant ? "invariants" : "properties"]: [violates] };
}

/** The modules with the mistake. Throws when a text does not occur once: the mutant would prove nothing. */
export function patched({ name, patches }: Mutant): Record<string, string> {
  const texts = modules();
  for (const [module, text, replacement] of patches) {
    const parts = texts[module]!.split(text);
    if (parts.length !== 2)
      throw new Error(
        `The mutant "${name}" does not apply: proof/${module}.tla must contain once: ${text}`,
      );
    texts[module] = parts.join(replacement);
  }
  return texts;
}
