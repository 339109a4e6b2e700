import buys from "./rows/buys.ts";
import type { Row } from "./row.ts";

/** In the order in which they run and are shown. */
export const rows: Row[] = [buys];
