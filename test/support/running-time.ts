/** The longest gap between two ticks that counts as running, unless the process used the CPU for longer (ms). */
const longestGap = 40;

let ran = 0;
let tickedAt = performance.now();
let used = process.cpuUsage();
setInterval(() => {
  const now = performance.now();
  const { user, system } = process.cpuUsage(used);
  const gap = now - tickedAt;
  ran += Math.min(gap, Math.max(longestGap, (user + system) / 1000));
  [tickedAt, used] = [now, process.cpuUsage()];
}, 10).unref();

/**
 * Milliseconds in which this process ran. The clock stands while the process gets no CPU, so a deadline of a server in
 * this process also holds on a machine under load. Never use it for a process that a test has started.
 */
export const runningTime = (): number => ran;
