------------------------------- MODULE Outbox -------------------------------
(* The relay for itself: any documents, with any kinds of messages. Every document is written at some time, with entries that are due   *)
(* now or later.                                                                                                                        *)
EXTENDS Relay
CONSTANT FirstEntries   \* what the documents are written with: a set of [Kinds -> due time], "never" for no entry

EntriesOf(dues) == [k \in Kinds |-> IF dues[k] = "never" THEN Missing ELSE Pending(dues[k])]
(* One worker writes, the others relay: which of them does what is not decided. *)
\* Code: mixins/outbox.ts enqueue
Write(w, d) == work[w].doing = "nothing" /\ \E dues \in FirstEntries : Enqueue(w, d, EntriesOf(dues))

Next == RelayNext \/ \E w \in Workers, d \in Docs : Write(w, d)
Spec == RelayInit /\ [][Next]_relayVars /\ RelayFairness

(* Which of them does what makes no difference: the checker looks at one of all states that are the same but for their names. *)
Symmetry == Permutations(Docs) \cup Permutations(Workers)

(* Values of FirstEntries. *)
OneNow == {[k \in Kinds |-> "now"]}
FirstNow == {[k \in Kinds |-> IF k = "push" THEN "now" ELSE "never"]}
=============================================================================
