-------------------------------- MODULE Sale --------------------------------
(* One item, its buyers, and the seller's notice: domain/sale.ts, market.buy. The outbox and the relay are those of Relay.tla, with the   *)
(* item as the document and "notice" as the kind of its message; the receiver is notifications.notify, which stores by id.               *)
EXTENDS Relay
CONSTANTS Buyers, NoBuyer, SaleIds, Item

VARIABLES item,      \* its buyer and its sale's id
          asked,     \* buyers whose request is under way: requests may be repeated, delayed and delivered twice
          serving,   \* the request that each worker serves: the buyer and the fresh sale id
          answers    \* what the market has answered. An answer may be lost: then the buyer asks again
saleVars == <<item, asked, serving, answers>>
vars == <<box, work, wire, kept, calls, isCalm, faults, item, asked, serving, answers>>

NoRequest == [buyer |-> NoBuyer, sale |-> "none"]
Init ==
  /\ RelayInit
  /\ item = NoRequest /\ asked = {} /\ answers = {}
  /\ serving = [w \in Workers |-> NoRequest]

\* Code: contracts/routes.ts routes
Ask(b) == asked' = asked \cup {b} /\ UNCHANGED <<item, serving, answers>> /\ UNCHANGED relayVars

(* The market gets a request, and makes up an id for the sale. *)
\* Code: services/market.service.ts buy
Begin(w, b, s) ==
  /\ work[w].doing = "nothing" /\ b \in asked
  /\ work' = [work EXCEPT ![w].doing = "buying"]
  /\ serving' = [serving EXCEPT ![w] = [buyer |-> b, sale |-> s]]
  /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults, item, asked, answers>>

(* One conditional write sells the item and writes the notice to its outbox. Of many buyers at once, one matches. *)
\* Code: domain/sale.ts sellable
\* Code: domain/sale.ts sold
Sell(w) ==
  /\ work[w].doing = "buying"
  /\ item.buyer = NoBuyer
  /\ item' = serving[w]
  /\ Enqueue(w, Item, [k \in Kinds |-> Pending("now")])
  /\ answers' = answers \cup {[buyer |-> serving[w].buyer, code |-> "ok", sale |-> serving[w].sale]}
  /\ serving' = [serving EXCEPT ![w] = NoRequest]
  /\ UNCHANGED asked

(* The write matched nothing: the answer is judged by the item as it is. A buyer's own earlier sale is the answer to a repeated request. *)
\* Code: domain/sale.ts whyNotSold
NotSold(w) ==
  /\ work[w].doing = "buying"
  /\ item.buyer # NoBuyer
  /\ answers' = answers \cup {IF item.buyer = serving[w].buyer
                              THEN [buyer |-> item.buyer, code |-> "ok", sale |-> item.sale]
                              ELSE [buyer |-> serving[w].buyer, code |-> "ITEM_SOLD", sale |-> "none"]}
  /\ work' = [work EXCEPT ![w] = Idle]
  /\ serving' = [serving EXCEPT ![w] = NoRequest]
  /\ UNCHANGED <<box, wire, kept, calls, isCalm, faults, item, asked>>

(* The market's process is killed, or it does not hear whether its write was done, before or after the write. *)
\* Environment: a process is killed
CrashBuying(w) ==
  /\ work[w].doing = "buying" /\ Crash(w)
  /\ serving' = [serving EXCEPT ![w] = NoRequest]
  /\ UNCHANGED <<item, asked, answers>>

RelayStep == RelayNext /\ UNCHANGED saleVars /\ \A w \in Workers : work[w].doing = "buying" => work'[w] = work[w]

Next ==
  \/ \E b \in Buyers : Ask(b)
  \/ \E w \in Workers : \/ \E b \in Buyers, s \in SaleIds : Begin(w, b, s)
                        \/ Sell(w) \/ NotSold(w) \/ CrashBuying(w)
  \/ RelayStep

Spec ==
  /\ Init /\ [][Next]_vars
  /\ RelayFairness
  /\ \A w \in Workers : WF_vars(Sell(w)) /\ WF_vars(NotSold(w))

---- \* What is proved, besides the properties of Relay.tla

Answers(code) == {a \in answers : a.code = code}
(* However many buyers come: one is answered ok, always with the same sale. *)
SoldOnce == Cardinality(Answers("ok")) <= 1
(* An answer is true, and stays true. *)
AnswersAreTrue ==
  /\ \A a \in Answers("ok") : item = [buyer |-> a.buyer, sale |-> a.sale]
  /\ \A a \in Answers("ITEM_SOLD") : item.buyer \notin {NoBuyer, a.buyer}
(* Neither the sale nor its notice exists without the other. *)
SaleHasItsEntry == (item.buyer # NoBuyer) = (box[Item].entries["notice"].state # "missing")
NoNoticeWithoutSale == (\E m \in Messages : kept[m] > 0) => item.buyer # NoBuyer
(* The sale is final. *)
SaleStays == [][item.buyer # NoBuyer => item' = item]_vars
(* The seller is notified in the end. A message that the receiver refuses for good is listed for the operators. *)
SellerIsNotified ==
  (item.buyer # NoBuyer) ~> (kept[<<Item, "notice">>] > 0 \/ box[Item].entries["notice"].state = "refused")

Symmetry == Permutations(Buyers) \cup Permutations(Workers) \cup Permutations(SaleIds)
=============================================================================
