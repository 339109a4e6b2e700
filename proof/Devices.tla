------------------------------ MODULE Devices ------------------------------
(* A user's device, and the nodes that hold its socket: mixins/sockets.ts, services/notifications.service.ts, missed-notices.ts.          *)
(* A node that stores a notice emits it to the sockets in the user's room, and broadcasts it to the other nodes. A broadcast may be lost: *)
(* it is only a hint. A socket joins the room first, and reads the inbox then.                                                          *)
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS Nodes, Notices, Nowhere,
          MaxFaults          \* at most so many lost broadcasts, lost connections and killed nodes

VARIABLES stored,    \* notices in the database
          emitting,  \* notices that each node has stored or found, and emits next
          hints,     \* broadcasts under way: <<node, notice>>
          marked,    \* notices that each node has seen, in its memory
          scan,      \* what each node's reconciliation found: {} while none runs
          at,        \* the node that the device is connected to
          inRoom,    \* whether its socket has joined the user's room
          reading,   \* its inbox: "no", "due", or the set of notices that was read and not yet emitted
          shown,     \* notices that the device has shown
          faults
vars == <<stored, emitting, hints, marked, scan, at, inRoom, reading, shown, faults>>
NoInbox == [is |-> "no", notices |-> {}]
InboxDue == [is |-> "due", notices |-> {}]

Init ==
  /\ stored = {} /\ hints = {} /\ shown = {} /\ faults = 0
  /\ emitting = [n \in Nodes |-> {}] /\ marked = [n \in Nodes |-> {}] /\ scan = [n \in Nodes |-> {}]
  /\ at = Nowhere /\ inRoom = FALSE /\ reading = NoInbox

(* A node emits a notice to the sockets in the room, on this node. *)
\* Code: mixins/sockets.ts emitNotification
\* Code: edge/sockets/rooms.ts socketsOf
Shown(n, x) == IF at = n /\ inRoom THEN shown \cup {x} ELSE shown
Fault == faults < MaxFaults /\ faults' = faults + 1

(* A node stores the notice. *)
\* Code: services/notifications/inbox.ts store
Store(n, x) ==
  /\ x \notin stored
  /\ stored' = stored \cup {x}
  /\ emitting' = [emitting EXCEPT ![n] = @ \cup {x}]
  /\ UNCHANGED <<hints, marked, scan, at, inRoom, reading, shown, faults>>

(* It emits the notice to its own sockets, and broadcasts it to the other nodes. *)
\* Code: services/notifications.service.ts emitEverywhere
\* Code: services/notifications/emission.ts broadcast
\* Code: services/notifications/missed-notices.ts markSeen
Emit(n, x) ==
  /\ x \in emitting[n]
  /\ emitting' = [emitting EXCEPT ![n] = @ \ {x}]
  /\ marked' = [marked EXCEPT ![n] = @ \cup {x}]
  /\ shown' = Shown(n, x)
  /\ hints' = hints \cup {<<m, x>> : m \in Nodes \ {n}}
  /\ UNCHANGED <<stored, scan, at, inRoom, reading, faults>>

\* Code: contracts/notifications.ts notificationsEvents
Hint(n, x) ==
  /\ <<n, x>> \in hints
  /\ hints' = hints \ {<<n, x>>}
  /\ marked' = [marked EXCEPT ![n] = @ \cup {x}]
  /\ shown' = Shown(n, x)
  /\ UNCHANGED <<stored, emitting, scan, at, inRoom, reading, faults>>

(* RabbitMQ or the connection to it is gone. *)
\* Environment: a broadcast is lost
LoseHint(n, x) ==
  /\ <<n, x>> \in hints /\ Fault
  /\ hints' = hints \ {<<n, x>>}
  /\ UNCHANGED <<stored, emitting, marked, scan, at, inRoom, reading, shown>>

(* Reconciliation counts what is stored and what was seen. If the numbers differ, it reads what is stored. *)
\* Code: services/notifications.service.ts reconcile
\* Code: services/notifications/missed-notices.ts scan
\* Code: services/notifications/missed-notices.ts #countSeen
Scan(n) ==
  /\ scan[n] = {} /\ Cardinality(stored) # Cardinality(marked[n])
  /\ scan' = [scan EXCEPT ![n] = stored]
  /\ UNCHANGED <<stored, emitting, hints, marked, at, inRoom, reading, shown, faults>>

(* It emits those that it has not seen in the meantime. *)
\* Code: services/notifications/missed-notices.ts #scanWindows
Found(n, x) ==
  /\ x \in scan[n]
  /\ scan' = [scan EXCEPT ![n] = @ \ {x}]
  /\ marked' = [marked EXCEPT ![n] = @ \cup {x}]
  /\ shown' = IF x \in marked[n] THEN shown ELSE Shown(n, x)
  /\ UNCHANGED <<stored, emitting, hints, at, inRoom, reading, faults>>

(* The device connects to any node. *)
\* Code: mixins/sockets.ts onConnection
Connect(n) ==
  /\ at = Nowhere
  /\ at' = n
  /\ UNCHANGED <<stored, emitting, hints, marked, scan, inRoom, reading, shown, faults>>

(* Its socket joins the room of its user; then its inbox is due. *)
\* Code: mixins/sockets.ts bindUser
\* Code: mixins/sockets.ts sendInbox
Join ==
  /\ at # Nowhere /\ ~inRoom
  /\ inRoom' = TRUE
  /\ reading' = InboxDue
  /\ UNCHANGED <<stored, emitting, hints, marked, scan, at, shown, faults>>

(* The node reads the inbox, *)
\* Code: services/notifications/inbox.ts newestUnread
ReadInbox ==
  /\ reading.is = "due"
  /\ reading' = [is |-> "read", notices |-> stored]
  /\ UNCHANGED <<stored, emitting, hints, marked, scan, at, inRoom, shown, faults>>

(* and emits it: what was emitted in between is not in it, and not lost. *)
\* Code: edge/sockets/send-inbox.ts sendInboxWithRetry
ShowInbox ==
  /\ reading.is = "read"
  /\ shown' = shown \cup reading.notices
  /\ reading' = NoInbox
  /\ UNCHANGED <<stored, emitting, hints, marked, scan, at, inRoom, faults>>

\* Environment: a connection is lost
Disconnect ==
  /\ at # Nowhere /\ Fault
  /\ at' = Nowhere /\ inRoom' = FALSE /\ reading' = NoInbox
  /\ UNCHANGED <<stored, emitting, hints, marked, scan, shown>>

(* The node forgets what it has seen, and what it was about to emit; its sockets are gone. *)
\* Environment: a process is killed
Kill(n) ==
  /\ Fault
  /\ emitting' = [emitting EXCEPT ![n] = {}]
  /\ marked' = [marked EXCEPT ![n] = {}]
  /\ scan' = [scan EXCEPT ![n] = {}]
  /\ hints' = {h \in hints : h[1] # n}
  /\ IF at = n THEN at' = Nowhere /\ inRoom' = FALSE /\ reading' = NoInbox ELSE UNCHANGED <<at, inRoom, reading>>
  /\ UNCHANGED <<stored, shown>>

Next ==
  \/ \E n \in Nodes : \/ Scan(n) \/ Connect(n) \/ Kill(n)
                      \/ \E x \in Notices : Store(n, x) \/ Emit(n, x) \/ Hint(n, x) \/ LoseHint(n, x) \/ Found(n, x)
  \/ Join \/ ReadInbox \/ ShowInbox \/ Disconnect

Spec ==
  /\ Init /\ [][Next]_vars
  /\ \A n \in Nodes : WF_vars(Scan(n)) /\ \A x \in Notices : WF_vars(Emit(n, x)) /\ WF_vars(Hint(n, x)) /\ WF_vars(Found(n, x))
  /\ WF_vars(\E n \in Nodes : Connect(n)) /\ WF_vars(Join) /\ WF_vars(ReadInbox) /\ WF_vars(ShowInbox)

---- \* What is proved

(* A device shows only what is stored. *)
ShownIsStored == shown \subseteq stored
(* A device that is connected in the end shows every notice. *)
EveryNoticeIsShown == \A x \in Notices : (x \in stored) ~> (x \in shown)
(* It does not wait for the next connection: a connected device whose inbox was shown lacks only what is on its way. *)
NothingIsMissed ==
  (at # Nowhere /\ inRoom /\ reading = NoInbox) =>
    \A x \in stored \ shown : \/ \E n \in Nodes : x \in emitting[n]
                              \/ <<at, x>> \in hints
                              \/ x \notin marked[at]

Symmetry == Permutations(Nodes) \cup Permutations(Notices)
=============================================================================
