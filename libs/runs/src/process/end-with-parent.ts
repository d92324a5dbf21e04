import { Worker } from "node:worker_threads";

/** Time that a process has to exit cleanly after its parent is gone, in ms. */
const gracePeriodMs = 3000;

/*
 * Checks the parent once a second: an orphan has a different parent. This runs in a thread, because
 * a plug-in that never ends may block the main thread.
 */
const watch = `
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    setTimeout(() => process.kill(process.pid, "SIGKILL"), ${gracePeriodMs});
  }, 1000);
`;

/** Kills this process if it is still running some time after its parent is gone. */
export function endWithParent(): void {
  new Worker(watch, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();
}
