import type { Row } from "./row.ts";
import backlog from "./rows/backlog.ts";
import burst from "./rows/burst.ts";
import buys from "./rows/buys.ts";
import capacity from "./rows/capacity.ts";
import clusterBacklog from "./rows/cluster-backlog.ts";
import cost from "./rows/cost.ts";
import deliveryLatency from "./rows/delivery-latency.ts";
import embedded from "./rows/embedded.ts";
import eventLoop from "./rows/event-loop.ts";
import growth from "./rows/growth.ts";
import latency from "./rows/latency.ts";
import membership from "./rows/membership.ts";
import overload from "./rows/overload.ts";
import reads from "./rows/reads.ts";
import reconnect from "./rows/reconnect.ts";
import soak from "./rows/soak.ts";
import sockets from "./rows/sockets.ts";
import start from "./rows/start.ts";

/** In the order in which they run and appear on the page. */
export const rows: Row[] = [
  buys,
  embedded,
  latency,
  deliveryLatency,
  reads,
  burst,
  sockets,
  reconnect,
  overload,
  clusterBacklog,
  cost,
  membership,
  capacity,
  soak,
  start,
  growth,
  backlog,
  eventLoop,
];
