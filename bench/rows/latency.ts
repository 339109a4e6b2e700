import type { Row } from "../row.ts";
import { sequentialBuys } from "../support/sequential-buys.ts";

export default {
  name: "latency",
  description: "one buy at a time in a cluster, from the request to the response",
  isDefault: true,
  run: () => sequentialBuys("answered", { p50: 1.5, p99: 1.5 }),
} satisfies Row;
