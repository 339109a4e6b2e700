/** Loaded into a server that is weighed: says on SIGUSR2 what is alive in its heap. Until then it does nothing. */
process.on("SIGUSR2", () => {
  global.gc!();
  global.gc!();
  console.log(`live heap: ${process.memoryUsage().heapUsed}`);
});
