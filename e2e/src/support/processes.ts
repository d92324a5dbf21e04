import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Whether this system tells of its processes in files. */
export const hasProc = existsSync("/proc/self/status");

/** Children of a process and their programs' arguments. */
export function childrenOf(pid: number): { pid: number; args: string }[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return pids === ""
    ? []
    : pids.split(" ").map((child) => ({
        pid: Number(child),
        args: readFileSync(`/proc/${child}/cmdline`, "utf8").replaceAll("\0", " "),
      }));
}

/** Resident memory in MiB. */
export function residentMiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** Resolves when none of the processes runs; there is no event for processes that are not one's own children. */
export async function gone(pids: readonly number[], milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (pids.some(isRunning)) {
    if (performance.now() > deadline) {
      throw new Error(
        `still running after ${milliseconds} ms: ${pids.filter(isRunning).join(", ")}`,
      );
    }
    await delay(20);
  }
}

/** An orphan that has ended and that nobody has waited for is a zombie, not a running process. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
