// Loaded into a coordinator by --import: says at its end how much memory it took and how long its event loop stood still, at most.
import { monitorEventLoopDelay } from "node:perf_hooks";

const delay = monitorEventLoopDelay({ resolution: 5 });
// Not while the program loads: no host has joined yet.
setTimeout(() => delay.enable(), 1000).unref();
process.on("exit", () => {
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const stall = delay.max / 1e6;
  process.stderr.write(`watched: ${megabytes.toFixed(0)} MiB, ${stall.toFixed(0)} ms\n`);
});
