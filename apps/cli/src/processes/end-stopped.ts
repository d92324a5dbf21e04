import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** Milliseconds between two looks at a process. */
const interval = 1000;

/**
 * Kills a host that stays stopped, as a client can have it by SIGSTOP: it would neither work nor
 * end. Only Linux can tell.
 */
export function endIfStopped(host: ChildProcess): void {
  let wasStopped = false;
  const looking = setInterval(() => {
    const isStopped = readState(host.pid) === "T";
    if (isStopped && wasStopped) host.kill("SIGKILL");
    wasStopped = isStopped;
  }, interval).unref();
  host.once("exit", () => {
    clearInterval(looking);
  });
}

/** Reads the letter for the state of a process (proc(5)); undefined if the system tells none. */
function readState(pid: number | undefined): string | undefined {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
