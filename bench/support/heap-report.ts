/** Preloaded into a server under test: prints the size of its live heap on SIGUSR2. Until then it does nothing. */
process.on("SIGUSR2", () => {
  global.gc!();
  global.gc!();
  console.log(`live heap: ${process.memoryUsage().heapUsed}`);
});
