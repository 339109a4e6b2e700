---------------------------- MODULE OutboxRules ----------------------------
(* What an outbox looks like, and how each write changes it: domain/outbox.ts.                                                          *)
(*                                                                                                                                      *)
(* How to read TLA+. `Name(x) == …` defines a function. `/\` is "and", `\/` is "or", `#` is "not equal", `\in` is "is an element of".    *)
(* `[a |-> 1]` is an object, `[k \in K |-> f(k)]` is a map from the keys K, `[r EXCEPT !.a = 2]` is a copy of r with another value of a.  *)
(* A line with `x'` (x prime) says what x is after a step. `\*` begins a comment.                                                        *)
(* "Code:" names the function that a definition models. test/unit/proof.test.ts fails when that function is renamed or gone.              *)
(*                                                                                                                                      *)
(* Times. The model has no numbers for them, only what an instant means to those who read it:                                            *)
(*   "now"   it has come                                                                                                                *)
(*   "soon"  it comes by waiting: at any moment, because every clock reads differently                                                   *)
(*   "far"   it does not come in any useful time: a wrong clock wrote it                                                                 *)
(*   "never" there is none                                                                                                              *)
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS Kinds,     \* kinds of messages: "notice" of an item, "push" and "mail" of a notice
          Nobody,    \* the claim of a document that nobody has claimed
          Ended      \* any claim whose holder has ended: a claim is a fresh random id, so nobody ever presents it again

Missing == [state |-> "missing", due |-> "never"]
\* Code: domain/outbox.ts pendingEntry
Pending(due) == [state |-> "pending", due |-> due]
Settled(state) == [state |-> state, due |-> "never"]

\* Code: domain/outbox.ts isDue
IsDue(entry) == entry.state = "pending" /\ entry.due = "now"

\* The earliest due time of the pending entries.
\* Code: domain/outbox.ts summaryOf
Summary(entries) ==
  LET dues == {entries[k].due : k \in {k \in Kinds : entries[k].state = "pending"}}
  IN IF "now" \in dues THEN "now" ELSE IF "soon" \in dues THEN "soon" ELSE IF "far" \in dues THEN "far" ELSE "never"

NoOutbox == [version |-> 0, entries |-> [k \in Kinds |-> Missing], claim |-> Nobody, due |-> "never"]

\* With a claim, the writer holds the lease and delivers directly. `due` of the outbox is then the end of the lease.
\* Code: domain/outbox.ts newOutbox
NewOutbox(entries, claim, leaseEnd) ==
  [version |-> 1, entries |-> entries, claim |-> claim, due |-> IF claim = Nobody THEN Summary(entries) ELSE leaseEnd]

\* Code: domain/outbox.ts claimed
Claimed(outbox, claim, leaseEnd) == [outbox EXCEPT !.claim = claim, !.due = leaseEnd]

\* Code: domain/outbox.ts released
Released(outbox) == [outbox EXCEPT !.claim = Nobody, !.due = "now"]

\* Another entry, in a write of its own. It ends the lease, whose holder does not know the entry, and counts in the version.
\* Code: domain/outbox.ts withEntries
WithEntry(outbox, kind) ==
  [version |-> outbox.version + 1, entries |-> [outbox.entries EXCEPT ![kind] = Pending("now")], claim |-> Nobody, due |-> "now"]

\* `outcomes` has "none" for the entries that were not due. A failed entry is due again after a pause, which ends at `later`.
\* Code: domain/outbox.ts afterDelivery
AfterDelivery(outbox, outcomes, later) ==
  LET after(k) == IF outcomes[k] = "none" THEN outbox.entries[k]
                  ELSE IF outcomes[k] = "failed" THEN Pending(later)
                  ELSE Settled(outcomes[k])
      entries == [k \in Kinds |-> after(k)]
  IN [version |-> outbox.version, entries |-> entries, claim |-> Nobody, due |-> Summary(entries)]

\* Without the due times of a wrong clock, and without the lease, which may be one.
\* Code: domain/outbox.ts straightened
Straightened(outbox) ==
  LET entries == [k \in Kinds |-> IF outbox.entries[k].due = "far" THEN Pending("now") ELSE outbox.entries[k]]
  IN [outbox EXCEPT !.entries = entries, !.claim = Nobody, !.due = Summary(entries)]
=============================================================================
