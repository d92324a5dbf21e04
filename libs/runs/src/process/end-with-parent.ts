import { Worker } from "node:worker_threads";

/** How long a process whose parent is gone may take to end in order, in ms. */
const farewell = 3000;

/*
 * Asks for the parent once a second: an orphan has another one. In a thread, for the main one may be kept busy by a plug-in that
 * never ends, and hears of nothing then.
 */
const watch = `
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    setTimeout(() => process.kill(process.pid, "SIGKILL"), ${farewell});
  }, 1000);
`;

/** Kills this process some time after the one that started it is gone, if it is still there then. */
export function endWithParent(): void {
  new Worker(watch, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();
}
