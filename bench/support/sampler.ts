/** Preloaded into a node: appends its memory and event-loop delay to the file SAMPLE_FILE once a second. */
import { appendFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Sample {
  /** Resident memory (bytes). */
  rss: number;
  /** 99th percentile of the event-loop delay in the last second (ms). */
  delay: number;
}

const file = process.env.SAMPLE_FILE;
if (file) {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  setInterval(() => {
    const sample: Sample = {
      rss: process.memoryUsage.rss(),
      delay: histogram.percentile(99) / 1e6,
    };
    appendFileSync(file, `${JSON.stringify(sample)}\n`);
    histogram.reset();
  }, 1000).unref();
}
