/** Preloaded into a server under test: on SIGUSR2 it prints how long its event loop was held since the last time, at most. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  process.on("SIGUSR2", () => {
    console.log(`event-loop delay: ${histogram.max / 1e6}`);
    histogram.reset();
  });
}
