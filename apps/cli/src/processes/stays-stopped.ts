import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** Milliseconds between two looks at a process. */
const interval = 1000;

/**
 * Waits until a host stays stopped, as a client can have it by SIGSTOP: it neither works nor ends.
 * Only Linux can tell.
 * @returns the signal that can still end it
 */
export function staysStopped(host: ChildProcess): Promise<"SIGKILL"> {
  return new Promise((resolve) => {
    let wasStopped = false;
    const looking = setInterval(() => {
      const isStopped = readState(host.pid) === "T";
      if (isStopped && wasStopped) resolve("SIGKILL");
      wasStopped = isStopped;
    }, interval).unref();
    host.once("exit", () => {
      clearInterval(looking);
    });
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
