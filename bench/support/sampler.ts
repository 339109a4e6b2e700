/** Loaded into a node by NODE_OPTIONS: writes once a second, into the file WATCH, what it weighs and how late its event loop is. */
import { appendFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Bytes, and ms in the second before. */
export interface Watched {
  rss: number;
  late: number;
}

const file = process.env.WATCH;
if (file) {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  setInterval(() => {
    const watched: Watched = { rss: process.memoryUsage.rss(), late: delay.percentile(99) / 1e6 };
    appendFileSync(file, `${JSON.stringify(watched)}\n`);
    delay.reset();
  }, 1000).unref();
}
