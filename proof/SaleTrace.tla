----------------------------- MODULE SaleTrace -----------------------------
(* Is what a cluster did a behaviour of Sale.tla? test/chaos/conformance.ts turns the history of each item into a trace of what was       *)
(* observed from outside, and TLC looks for a behaviour of the model with these events in this order. Between two events the model may    *)
(* take any of its steps that nobody observes. For each trace TLC prints how many events it could explain.                                *)
EXTENDS Sale, Sequences
CONSTANTS Traces,    \* a list of traces; each is a list of events
          Market, RelayNode   \* two workers: one serves requests, the other one delivers

VARIABLES trace, taken   \* which trace, and how many of its events were taken
traceVars == <<trace, taken>>
all == <<vars, trace, taken>>

Notice == <<Item, "notice">>
TraceInit == Init /\ trace \in 1..Len(Traces) /\ taken = 0

Sold(event) == item.buyer # NoBuyer /\ item.sale = event.sale

(* One event, as the step of the model that it shows, or as something that holds in the model's state. *)
Observed(event) ==
  \/ event.type = "ask" /\ Ask(event.buyer)
  \* A call. The same packet may be seen again: RabbitMQ and the transporter repeat what may have been lost.
  \/ event.type = "call" /\ Sold(event) /\ Send(RelayNode) /\ UNCHANGED saleVars
  \/ event.type = "call" /\ Sold(event) /\ Notice \in wire /\ UNCHANGED vars
  \* The test itself delivers a notice again.
  \/ /\ event.type = "resend" /\ Sold(event) /\ wire' = wire \cup {Notice}
     /\ UNCHANGED <<box, work, kept, calls, isCalm, faults>> /\ UNCHANGED saleVars
  \/ event.type = "shown" /\ Sold(event) /\ kept[Notice] > 0 /\ UNCHANGED vars
  \/ event.type = "ok" /\ [buyer |-> event.buyer, code |-> "ok", sale |-> event.sale] \in answers /\ UNCHANGED vars
  \/ event.type = "ITEM_SOLD" /\ [buyer |-> event.buyer, code |-> "ITEM_SOLD", sale |-> "none"] \in answers /\ UNCHANGED vars
  \* What the databases contain in the end.
  \/ /\ event.type = "end" /\ UNCHANGED vars
     /\ IF event.buyer = "none" THEN item.buyer = NoBuyer ELSE item.buyer = event.buyer /\ item.sale = event.sale
     /\ box[Item].entries["notice"].state = event.entry /\ kept[Notice] = event.notices

Observe ==
  /\ taken < Len(Traces[trace])
  /\ Observed(Traces[trace][taken + 1])
  /\ taken' = taken + 1 /\ trace' = trace
  /\ PrintT(<<"explained", trace, taken'>>)

(* Steps that nobody observes. They are only some of those of the model: every trace that they explain is one of the model. *)
Unobserved ==
  /\ UNCHANGED traceVars
  /\ \/ \E b \in Buyers, s \in SaleIds : Begin(Market, b, s)
     \/ Sell(Market) /\ work'[Market].doing = "nothing"
     \/ NotSold(Market)
     \/ /\ UNCHANGED saleVars
        /\ Poll(RelayNode) \/ Claim(RelayNode) \/ Answered(RelayNode, Item, "notice") \/ MarkAny(RelayNode) \/ Accept(Notice)

TraceSpec == TraceInit /\ [][Observe \/ Unobserved]_all
=============================================================================
