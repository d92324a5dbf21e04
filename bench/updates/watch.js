// Loaded into a coordinator by --import. Prints its peak memory and the longest stall of its event
// loop when it ends.
import { monitorEventLoopDelay } from "node:perf_hooks";

const delay = monitorEventLoopDelay({ resolution: 5 });
// The delay starts the measurement after the program has loaded and before hosts join.
setTimeout(() => delay.enable(), 1000).unref();
process.on("exit", () => {
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const stall = delay.max / 1e6;
  process.stderr.write(`watched: ${megabytes.toFixed(0)} MiB, ${stall.toFixed(0)} ms\n`);
});
