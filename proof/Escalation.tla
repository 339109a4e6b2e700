----------------------------- MODULE Escalation -----------------------------
(* One notice that its user may not see: it has entries for a push (due after 30 s) and a mail (due after 10 min). When a device of the  *)
(* user shows it, the device sends a receipt; a stored receipt cancels what has not fallen due. The receiver is deliveries.accept, which *)
(* stores by id, as notifications.notify does, and asks once more before it sends.                                                      *)
EXTENDS Relay
CONSTANT Notice

VARIABLES shown,     \* "no", "receipt" (a node has the receipt in memory), "stored" (shownAt is in the document)
          seenShown, \* whether shownAt was in the document that each worker found
          wasShown,  \* whether a device ever showed it (only to state what is proved)
          safe       \* entries that first fell due after the receipt was stored (only to state what is proved)
noticeVars == <<shown, seenShown, wasShown, safe>>
vars == <<box, work, wire, kept, calls, isCalm, faults, shown, seenShown, wasShown, safe>>

Init ==
  /\ RelayInit
  /\ shown = "no" /\ seenShown = [w \in Workers |-> FALSE]
  /\ wasShown = FALSE /\ safe = {}

(* The notice is stored with its entries in one write. *)
\* Code: services/notifications/inbox.ts store
\* Code: services/notifications/escalation.ts dueTimes
Store(w) ==
  /\ work[w].doing = "nothing"
  /\ Enqueue(w, Notice, [k \in Kinds |-> Pending("soon")])
  /\ UNCHANGED noticeVars

(* A device shows the notice, and its receipt reaches a node, which keeps it in memory. A device that shows nothing sends none. *)
\* Code: edge/sockets/receipts.ts emit
\* Code: services/notifications/receipts.ts shown
Show ==
  /\ box[Notice] # NoOutbox /\ shown = "no"
  /\ shown' = "receipt" /\ wasShown' = TRUE
  /\ UNCHANGED <<seenShown, safe>> /\ UNCHANGED relayVars

(* The receipt is stored. The write changes no outbox: no lease and no mark is in its way. *)
\* Code: services/notifications/receipts.ts #writeOnce
StoreReceipt ==
  /\ shown = "receipt"
  /\ shown' = "stored"
  /\ UNCHANGED <<seenShown, wasShown, safe>> /\ UNCHANGED relayVars

(* The node with the receipt is killed: the user may be notified needlessly. *)
\* Environment: a process is killed
LoseReceipt ==
  /\ shown = "receipt" /\ Fault
  /\ shown' = "no"
  /\ UNCHANGED <<seenShown, wasShown, safe, box, work, wire, kept>>

(* The relay asks when an entry is due whether the receipt is in the document as it was found, or in its node's memory. *)
\* Code: outbox/receiver.ts #isCancelled
\* Code: services/notifications/escalation.ts isCancelled
\* Code: services/notifications/channels.ts wasSeen
Cancel(w, k) ==
  /\ work[w].doing = "delivering" /\ <<Notice, k>> \in Untried(w)
  /\ seenShown[w] \/ shown = "receipt"
  /\ Outcome(w, Notice, k, "cancelled")
  /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults>> /\ UNCHANGED noticeVars
Deliver(w) == ~seenShown[w] /\ Send(w) /\ UNCHANGED noticeVars

(* What a worker finds includes the receipt. *)
Find(w) == Poll(w) /\ seenShown' = [seenShown EXCEPT ![w] = shown = "stored"] /\ UNCHANGED <<shown, wasShown, safe>>
Take(w) ==
  /\ Claim(w)
  /\ seenShown' = [seenShown EXCEPT ![w] =
       IF work'[w].doing = "delivering" /\ work'[w].seen # work[w].seen THEN shown = "stored" ELSE @]
  /\ UNCHANGED <<shown, wasShown, safe>>

Fall(k) ==
  /\ FallDue(Notice, k)
  /\ safe' = IF shown = "stored" /\ <<Notice, k>> \notin wire THEN safe \cup {k} ELSE safe
  /\ UNCHANGED <<shown, seenShown, wasShown>>

Rest ==
  /\ UNCHANGED noticeVars
  /\ \/ \E w \in Workers : \/ MarkAny(w) \/ Straighten(w) \/ FindMisdated(w, Notice) \/ Crash(w) \/ ClaimLost(w)
                           \/ \E k \in Kinds : Answered(w, Notice, k) \/ Unanswered(w, Notice, k)
     \/ LeaseEnds(Notice)
     \/ \E m \in Messages : Accept(m)

Next ==
  \/ \E w \in Workers : Store(w) \/ Find(w) \/ Take(w) \/ Deliver(w) \/ \E k \in Kinds : Cancel(w, k)
  \/ Show \/ StoreReceipt \/ LoseReceipt
  \/ \E k \in Kinds : Fall(k)
  \/ Rest

Spec ==
  /\ Init /\ [][Next]_vars
  /\ WF_vars(\E w \in Workers : Find(w))
  /\ WF_vars(\E w \in Workers : FindMisdated(w, Notice) /\ UNCHANGED noticeVars)
  /\ \A w \in Workers : WF_vars(Take(w) \/ Deliver(w) \/ (\E k \in Kinds : Cancel(w, k)) \/
       (UNCHANGED noticeVars /\ (MarkAny(w) \/ Straighten(w) \/ \E k \in Kinds : Answered(w, Notice, k) \/ Unanswered(w, Notice, k))))
  /\ WF_vars(StoreReceipt)
  /\ WF_vars(LeaseEnds(Notice) /\ UNCHANGED noticeVars) /\ \A k \in Kinds : WF_vars(Fall(k))
  /\ \A m \in Messages :
       /\ SF_vars(IsCalled(m) /\ Accept(m) /\ UNCHANGED noticeVars)
       /\ SF_vars((\E w \in Workers : Answered(w, m[1], m[2])) /\ UNCHANGED noticeVars)

---- \* What is proved, besides the properties of Relay.tla

(* A message is not handed over when the receipt was stored before it fell due. *)
ReceiptCancels == \A k \in safe : kept[<<Notice, k>>] = 0
(* Without a receipt the user is notified by every channel in the end. *)
UnseenIsEscalated == \A k \in Kinds :
  (box[Notice].entries[k].state = "pending") ~> (kept[<<Notice, k>>] > 0 \/ shown # "no" \/ box[Notice].entries[k].state = "cancelled")
(* An entry is cancelled only when the user has seen the notice. *)
CancelledIsShown == \A k \in Kinds : box[Notice].entries[k].state = "cancelled" => wasShown

Symmetry == Permutations(Workers)
=============================================================================
