// Runs a command and measures all processes that it starts, also those that leave its group.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** Ticks of the kernel's clock per second, of memory per page. */
const ticks = 100;
const page = 4096;
const mark = "FEDCLAIR_BENCH_COMMAND";
let commands = 0;

/**
 * Linux only: elsewhere, CPU time and memory are 0.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, shows?: boolean }} [options] `env` is added
 *   to this process's; `shows` passes stderr on
 * @returns {Promise<{ ms: number, cpuSeconds: number, megabytes: number, stdout: string }>} CPU
 *   time of all processes, and the largest sum of their memory, in which shared pages count once
 * @throws Error with the last lines of stderr if the command fails
 */
export async function runMeasured(program, args, { cwd, env = {}, shows = false } = {}) {
  const id = `${process.pid}-${commands++}`;
  const start = performance.now();
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env, [mark]: id },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => {
    stderr = (stderr + text).slice(-20_000);
    if (shows) process.stderr.write(text);
  });
  let ended;
  const end = once(child, "close").then(([code, signal]) => (ended = code ?? signal));
  const seen = new Map();
  let peak = 0;
  for (let look = 0; ended === undefined; look++) {
    const pids = await membersOf(id, seen);
    for (const pid of pids) seen.set(pid, (await cpuTicks(pid)) ?? seen.get(pid) ?? 0);
    if (look % 4 === 0) {
      const sizes = await Promise.all(pids.map(memory));
      peak = Math.max(
        peak,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
    await Promise.race([end, delay(50)]);
  }
  const ms = performance.now() - start;
  if (ended !== 0)
    throw new Error(`${program} ${args.join(" ")} ended with ${ended}:\n${stderr.trim()}`);
  const cpuSeconds = [...seen.values()].reduce((sum, one) => sum + one, 0) / ticks;
  return { ms, cpuSeconds, megabytes: peak / 1e6, stdout };
}

/** How often a process was seen without the mark: until it executes its program, it has none. */
const strangers = new Map();
const looks = 5;

async function membersOf(id, seen) {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const own = [];
  for (const pid of pids) {
    if (seen.has(pid)) own.push(pid);
    if (seen.has(pid) || strangers.get(pid) > looks) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (environment.includes(`${mark}=${id}\0`)) own.push(pid);
    else strangers.set(pid, (strangers.get(pid) ?? 0) + 1);
  }
  return own;
}

async function cpuTicks(pid) {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.length > 13 ? Number(fields[11]) + Number(fields[12]) : undefined;
}

/** The proportional share of a process in bytes; its resident set if that cannot be read. */
async function memory(pid) {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "latin1").catch(() => "");
  const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(rollup) ?? [];
  if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  const statm = await readFile(`/proc/${pid}/statm`, "latin1").catch(() => "");
  return page * Number(statm.split(" ")[1] ?? 0);
}
