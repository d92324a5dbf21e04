import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Does this system have /proc? */
export const hasProc = existsSync("/proc/self/status");

/** Lists the children of a process with their arguments. */
export function listChildren(pid: number): { pid: number; args: string }[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return pids === ""
    ? []
    : pids.split(" ").map((child) => ({
        pid: Number(child),
        args: readFileSync(`/proc/${child}/cmdline`, "utf8").replaceAll("\0", " "),
      }));
}

/** Lists the processes that run with a variable in their environment, as `NAME=value`. */
export function listProcesses(variable: string): { pid: number; args: string }[] {
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && read(pid, "environ").split("\0").includes(variable))
    .map((pid) => ({ pid: Number(pid), args: read(pid, "cmdline").replaceAll("\0", " ") }));
}

/** Resident memory in MiB. */
export function residentMiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** How long processes may take to end, in ms: a loaded machine is slow. */
const patience = 30_000;

/** Waits until no process runs. It polls, because other processes' children have no events. */
export async function waitUntilGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + patience;
  while (pids.some(isRunning)) {
    if (performance.now() > deadline) {
      throw new Error(`still running after ${patience} ms: ${pids.filter(isRunning).join(", ")}`);
    }
    await delay(20);
  }
}

/**
 * Does the process run? An orphan that has ended but was not waited for is a zombie and does not.
 */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
