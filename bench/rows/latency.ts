import type { Row } from "../row.ts";
import { alone } from "../support/alone.ts";

export default {
  name: "latency",
  what: "one buy alone in a cluster, from the request to the answer",
  isFirst: true,
  run: () => alone("answered", { p50: 1.5, p99: 1.5 }),
} satisfies Row;
