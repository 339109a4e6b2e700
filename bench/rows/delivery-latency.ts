import type { Row } from "../row.ts";
import { alone } from "../support/alone.ts";

export default {
  name: "seen",
  what: "from the buyer's request to the notice on the seller's socket, in a cluster",
  isFirst: true,
  run: () => alone("shown", { p50: 1.5, p99: 2 }),
} satisfies Row;
