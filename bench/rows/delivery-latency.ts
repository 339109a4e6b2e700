import type { Row } from "../row.ts";
import { sequentialBuys } from "../support/sequential-buys.ts";

export default {
  name: "delivery-latency",
  description:
    "one buy at a time in a cluster, from the request to the notice on the seller's socket",
  isDefault: true,
  run: () => sequentialBuys("shown", { p50: 1.5, p99: 2 }),
} satisfies Row;
