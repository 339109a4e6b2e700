import type { Row } from "./row.ts";
import buys from "./rows/buys.ts";
import embedded from "./rows/embedded.ts";
import latency from "./rows/latency.ts";
import reads from "./rows/reads.ts";
import seen from "./rows/seen.ts";

/** In the order in which they run and are shown. */
export const rows: Row[] = [buys, embedded, latency, seen, reads];
