------------------------------- MODULE Relay -------------------------------
(* Documents with an outbox, and workers that deliver from it: outbox/relay.ts, leases.ts, backlog.ts, misdated.ts.                      *)
(*                                                                                                                                      *)
(* A worker is one activity of any node: a direct delivery after a write, or one round of a relay (poll → claim → deliver → mark).       *)
(* Activities share nothing but the database, so it does not matter on which nodes they run. Each definition with primed variables is    *)
(* one atomic step; the checker tries the steps of all workers in every order. A crash, a lost answer or the end of a lease may come      *)
(* between any two steps.                                                                                                               *)
EXTENDS OutboxRules
CONSTANTS Docs, Workers,
          LeasesHold,  \* FALSE: leases end at any time. TRUE: only after their holder has ended, except as one of the faults
          MaxFaults    \* at most so many of: crashes, lost writes, due times of a wrong clock, refused messages, added entries

VARIABLES box,       \* the outbox of each document
          work,      \* what each worker does, in its memory
          wire,      \* messages that were sent: they may arrive, at once or later, once or several times, or never
          kept,      \* copies that the receiver has stored, by message: it should be one
          calls,     \* calls by message, while all is well
          isCalm,    \* no fault so far: no crash, no failed call, no lease that ended early, no wrong clock
          faults     \* how many of MaxFaults have come
relayVars == <<box, work, wire, kept, calls, isCalm, faults>>

Messages == Docs \X Kinds
NoCalls == [m \in Messages |-> 0]
NoOutcomes == [d \in Docs |-> [k \in Kinds |-> "none"]]
Idle == [doing |-> "nothing", docs |-> {}, isOld |-> FALSE, seen |-> [d \in Docs |-> NoOutbox], out |-> NoOutcomes]

RelayInit ==
  /\ box = [d \in Docs |-> NoOutbox]
  /\ work = [w \in Workers |-> Idle]
  /\ wire = {} /\ kept = [m \in Messages |-> 0]
  /\ calls = NoCalls /\ isCalm = TRUE
  /\ faults = 0

---- \* Helpers

Disturb == isCalm' = FALSE /\ calls' = NoCalls
StayCalm == UNCHANGED <<isCalm, calls>>
Fault == faults < MaxFaults /\ faults' = faults + 1 /\ Disturb
(* When a node writes a due time with a wrong clock. Calls f(due time) for each that may be written. *)
DueTimes == {"soon"} \cup (IF faults < MaxFaults THEN {"far"} ELSE {})
SpendClock(due) ==
  IF due = "far" THEN Fault ELSE StayCalm /\ UNCHANGED faults
(* Its worker has ended: nobody presents this claim again. *)
Forgotten(boxes, w) == [d \in Docs |-> IF boxes[d].claim = w THEN [boxes[d] EXCEPT !.claim = Ended] ELSE boxes[d]]
Seen(docs) == [d \in Docs |-> IF d \in docs THEN box[d] ELSE NoOutbox]
Delivers(w, seen, docs) == [doing |-> "delivering", docs |-> docs, isOld |-> FALSE, seen |-> seen, out |-> NoOutcomes]

---- \* Writing the outbox with its cause

(* Writes the outbox of a document that had none, in the write that is the cause of its messages.                       *)
(* With a free hand the worker takes the lease and delivers directly; without one, the entry waits for a relay.         *)
\* Code: outbox/relay.ts enqueue
\* Code: outbox/relay.ts deliver
\* Code: outbox/leases.ts direct
Enqueue(w, d, entries) ==
  /\ box[d] = NoOutbox
  /\ \E leaseEnd \in DueTimes :
       \/ /\ box' = [box EXCEPT ![d] = NewOutbox(entries, w, leaseEnd)]
          /\ work' = [work EXCEPT ![w] = Delivers(w, [Seen({}) EXCEPT ![d] = box'[d]], {d})]
          /\ SpendClock(leaseEnd)
       \/ /\ box' = [box EXCEPT ![d] = NewOutbox(entries, Nobody, leaseEnd)]
          /\ work' = [work EXCEPT ![w] = Idle]
          /\ StayCalm /\ UNCHANGED faults
  /\ UNCHANGED <<wire, kept>>

(* An operator replays a message, because the receiver has lost it (a restored database), or another cause adds an entry. *)
\* Code: mixins/outbox.ts enqueueAgain
\* Code: mixins/outbox.ts replayEntries
Add(d, k) ==
  /\ box[d] # NoOutbox /\ box[d].entries[k].state # "pending"
  /\ box' = [box EXCEPT ![d] = WithEntry(@, k)]
  /\ kept' = [kept EXCEPT ![<<d, k>>] = 0]
  /\ Fault
  /\ UNCHANGED <<work, wire>>

---- \* Poll → claim → deliver → mark

(* Reads the due documents. What it read may be out of date when it claims them. *)
\* Code: outbox/backlog.ts poll
Poll(w) ==
  LET found == {d \in Docs : box[d].due = "now"}
  IN /\ work[w].doing = "nothing" /\ found # {}
     /\ work' = [work EXCEPT ![w] = [Idle EXCEPT !.doing = "claiming", !.docs = found, !.seen = Seen(found)]]
     /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults>>

(* One write claims those that are still due. When it claimed all, the documents as found are used; otherwise, or when time has passed *)
(* since they were found, its own are read again.                                                                                    *)
\* Code: outbox/leases.ts claim
\* Code: domain/outbox.ts due
Claim(w) ==
  LET found == work[w].docs
      won == {d \in found : box[d].due = "now"}
  IN /\ work[w].doing = "claiming"
     /\ \E leaseEnd \in DueTimes :
          /\ box' = [d \in Docs |-> IF d \in won THEN Claimed(box[d], w, leaseEnd) ELSE box[d]]
          /\ SpendClock(leaseEnd)
     /\ work' = [work EXCEPT ![w] =
          IF won = {} THEN Idle
          ELSE Delivers(w, IF won = found /\ ~work[w].isOld THEN work[w].seen
                           ELSE [d \in Docs |-> IF d \in won THEN box'[d] ELSE NoOutbox], won)]
     /\ UNCHANGED <<wire, kept>>

Delivering(w, d, k, outcome) == work[w].doing = "delivering" /\ d \in work[w].docs /\ work[w].out[d][k] = outcome
Outcome(w, d, k, outcome) == work' = [work EXCEPT ![w].out[d][k] = outcome]

DueMessages(w) == {m \in Messages : m[1] \in work[w].docs /\ IsDue(work[w].seen[m[1]].entries[m[2]])}
Untried(w) == {m \in DueMessages(w) : work[w].out[m[1]][m[2]] = "none"}

(* Calls the receivers with all due entries. Batches are single calls here: each message of a batch takes effect for itself. *)
\* Code: outbox/receivers.ts deliver
\* Code: outbox/receiver.ts #deliverOne
\* Code: outbox/receiver.ts #deliverBatch
Send(w) ==
  /\ work[w].doing = "delivering" /\ Untried(w) # {}
  /\ work' = [work EXCEPT ![w].out = [d \in Docs |-> [k \in Kinds |-> IF <<d, k>> \in Untried(w) THEN "sent" ELSE @[d][k]]]]
  /\ wire' = wire \cup Untried(w)
  /\ calls' = IF isCalm THEN [m \in Messages |-> calls[m] + IF m \in Untried(w) THEN 1 ELSE 0] ELSE calls
  /\ UNCHANGED <<box, kept, isCalm, faults>>

(* The receiver stores a message under the id that the sender gave it. A second one is a duplicate key, and changes nothing. *)
\* Code: services/notifications/inbox.ts store
\* Code: domain/inbox.ts keyOf
\* Code: services/deliveries/intake.ts #insert
Accept(m) ==
  /\ m \in wire /\ kept[m] = 0
  /\ kept' = [kept EXCEPT ![m] = 1]
  /\ UNCHANGED <<box, work, wire, calls, isCalm, faults>>

(* The receiver answers ok after it has stored the message. *)
\* Code: services/notifications.service.ts notify
\* Code: outbox/receiver.ts #outcomeOf
Answered(w, d, k) ==
  /\ Delivering(w, d, k, "sent") /\ kept[<<d, k>>] > 0
  /\ Outcome(w, d, k, "delivered")
  /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults>>

(* No answer: the call was lost, or its answer, or it is still under way and arrives later. *)
\* Code: outbox/receiver.ts #retry
\* Code: domain/outbox.ts failureOf
Unanswered(w, d, k) ==
  /\ Delivering(w, d, k, "sent")
  /\ Outcome(w, d, k, "failed")
  /\ Disturb
  /\ UNCHANGED <<box, wire, kept, faults>>

(* The receiver refuses the message for good: a dead letter, until an operator replays it. *)
\* Code: outbox/receiver.ts #outcomeOf
Refused(w, d, k) ==
  /\ Delivering(w, d, k, "sent")
  /\ Outcome(w, d, k, "refused")
  /\ Fault
  /\ UNCHANGED <<box, wire, kept>>

IsEnded(w) == Untried(w) = {} /\ \A d \in work[w].docs, k \in Kinds : work[w].out[d][k] # "sent"

(* One write marks all documents whose outbox becomes the same: those that still have the claim and the version. If it matched *)
(* fewer, a second write gives up the lease of the others; it may be lost.                                                     *)
\* Code: outbox/leases.ts mark
\* Code: outbox/leases.ts #writeAll
Mark(w, d, due, isReleasing) ==
  LET after(e) == AfterDelivery(work[w].seen[e], work[w].out[e], due)
      group == {e \in work[w].docs : after(e) = after(d)}
      marked == {e \in group : box[e].claim = w /\ box[e].version = work[w].seen[e].version}
      released == IF isReleasing THEN {e \in group \ marked : box[e].claim = w} ELSE {}
      boxes == [e \in Docs |-> IF e \in marked THEN after(e) ELSE IF e \in released THEN Released(box[e]) ELSE box[e]]
      rest == work[w].docs \ group
  IN /\ work[w].doing = "delivering" /\ d \in work[w].docs /\ IsEnded(w)
     /\ box' = IF rest = {} THEN Forgotten(boxes, w) ELSE boxes
     /\ work' = [work EXCEPT ![w] =
          IF rest = {} THEN Idle
          ELSE [@ EXCEPT !.docs = rest,
                         !.seen = [e \in Docs |-> IF e \in rest THEN @[e] ELSE NoOutbox],
                         !.out = [e \in Docs |-> IF e \in rest THEN @[e] ELSE NoOutcomes[e]]]]
     /\ SpendClock(due)
     /\ UNCHANGED <<wire, kept>>
MarkAny(w) == \E d \in work[w].docs, due \in DueTimes, isReleasing \in BOOLEAN : Mark(w, d, due, isReleasing)

---- \* Wrong clocks

(* Reads a document whose due time a wrong clock has set, *)
\* Code: outbox/misdated.ts straighten
\* Code: domain/outbox.ts farAhead
FindMisdated(w, d) ==
  /\ work[w].doing = "nothing" /\ box[d].due = "far"
  /\ work' = [work EXCEPT ![w] = [Idle EXCEPT !.doing = "straightening", !.docs = {d}, !.seen = Seen({d})]]
  /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults>>

(* and makes it due, unless it was changed since. *)
\* Code: outbox/misdated.ts #write
Straighten(w) ==
  /\ work[w].doing = "straightening"
  /\ box' = [d \in Docs |->
       IF d \in work[w].docs /\ box[d].due = "far" /\ box[d].version = work[w].seen[d].version
       THEN Straightened(work[w].seen[d]) ELSE box[d]]
  /\ work' = [work EXCEPT ![w] = Idle]
  /\ UNCHANGED <<wire, kept, calls, isCalm, faults>>

---- \* What nobody decides: time and faults

(* Documents that were found before time passed are old. Work that takes so long is a fault: the process was suspended, for example. *)
Age ==
  /\ work' = [w \in Workers |->
       IF work[w].doing = "claiming"
       THEN [work[w] EXCEPT !.isOld = TRUE, !.seen = [d \in Docs |-> NoOutbox]] ELSE work[w]]
  /\ IF \A w \in Workers : work[w].doing = "nothing" THEN StayCalm ELSE Disturb

(* An entry falls due. *)
\* Environment: time passes
FallDue(d, k) ==
  /\ box[d].entries[k].due = "soon"
  /\ box' = [box EXCEPT ![d].entries[k].due = "now",
                        ![d].due = IF box[d].claim = Nobody /\ @ = "soon" THEN "now" ELSE @]
  /\ Age
  /\ UNCHANGED <<wire, kept, faults>>

(* A lease ends. Its holder may still be at work: it was suspended, or the clocks differ. *)
\* Environment: time passes
LeaseEnds(d) ==
  /\ box[d].due = "soon" /\ (box[d].claim # Nobody \/ Summary(box[d].entries) = "now")
  /\ box' = [box EXCEPT ![d].due = "now"]
  /\ Age
  /\ IF LeasesHold /\ box[d].claim \in Workers THEN Fault ELSE UNCHANGED faults
  /\ UNCHANGED <<wire, kept>>

(* The process is killed, or a write and its answer are lost. What it had in memory is gone; its claims stay in the database. *)
\* Environment: a process is killed
Crash(w) ==
  /\ work[w].doing # "nothing"
  /\ work' = [work EXCEPT ![w] = Idle]
  /\ box' = Forgotten(box, w)
  /\ Fault
  /\ UNCHANGED <<wire, kept>>

(* The claim is written, its answer is lost: nobody delivers until the lease ends. *)
\* Environment: the answer of a write is lost
ClaimLost(w) ==
  /\ work[w].doing = "claiming"
  /\ \E some \in SUBSET {d \in work[w].docs : box[d].due = "now"} :
       box' = [d \in Docs |-> IF d \in some THEN Claimed(box[d], Ended, "soon") ELSE box[d]]
  /\ work' = [work EXCEPT ![w] = Idle]
  /\ Fault
  /\ UNCHANGED <<wire, kept>>

---- \* All steps, and what must happen if nothing prevents it

WorkerStep(w) ==
  \/ Claim(w) \/ Send(w) \/ MarkAny(w) \/ Straighten(w)
  \/ \E d \in Docs, k \in Kinds : Answered(w, d, k) \/ Unanswered(w, d, k)

RelayNext ==
  \/ \E w \in Workers :
       \/ Poll(w) \/ WorkerStep(w) \/ Crash(w) \/ ClaimLost(w)
       \/ \E d \in Docs : FindMisdated(w, d)
       \/ \E d \in Docs, k \in Kinds : Refused(w, d, k)
  \/ \E d \in Docs : LeaseEnds(d) \/ \E k \in Kinds : FallDue(d, k) \/ Add(d, k)
  \/ \E m \in Messages : Accept(m)

(* Fairness. WF (weak): a step that stays possible is taken in the end. SF (strong): so is one that is possible again and again. *)
(* A node polls although it serves requests. The receiver: if a call is repeated for ever, one of the calls is accepted and answered in the end.                             *)
IsCalled(m) == \E w \in Workers : Delivering(w, m[1], m[2], "sent")
RelayFairness ==
  /\ SF_relayVars(\E w \in Workers : Poll(w))
  /\ SF_relayVars(\E w \in Workers, d \in Docs : FindMisdated(w, d))
  /\ \A w \in Workers : WF_relayVars(WorkerStep(w))
  /\ \A d \in Docs : WF_relayVars(LeaseEnds(d)) /\ \A k \in Kinds : WF_relayVars(FallDue(d, k))
  /\ \A m \in Messages : SF_relayVars(IsCalled(m) /\ Accept(m)) /\ SF_relayVars(\E w \in Workers : Answered(w, m[1], m[2]))

---- \* What is proved

(* An entry that is marked delivered was stored by the receiver: no message is lost. *)
DeliveredIsTrue == \A d \in Docs, k \in Kinds : box[d].entries[k].state = "delivered" => kept[<<d, k>>] > 0
(* The receiver has each message once. *)
KeptOnce == \A m \in Messages : kept[m] <= 1
(* Without faults each message takes one call, however many relays there are. *)
OneCallWithoutFaults == \A m \in Messages : calls[m] <= 1
(* A pending entry is always found: by its due time, or as misdated. *)
PendingIsFound == \A d \in Docs : (\E k \in Kinds : box[d].entries[k].state = "pending") => box[d].due # "never"
(* An entry that was written stays written. *)
NothingForgotten == [][\A d \in Docs, k \in Kinds :
                         box[d].entries[k].state # "missing" => box'[d].entries[k].state # "missing"]_relayVars
(* Every entry is settled in the end. *)
EverythingIsSettled == \A d \in Docs, k \in Kinds :
  (box[d].entries[k].state = "pending") ~> (box[d].entries[k].state \in {"delivered", "cancelled", "refused"})
=============================================================================
