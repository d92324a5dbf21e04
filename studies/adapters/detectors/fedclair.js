// Runs `fedclair audit` on a pile and measures its cost.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = fileURLToPath(new URL("../../../apps/cli/bin/fedclair.js", import.meta.url));

/**
 * Code that prints the CPU time in microseconds and Linux's lines on memory as the last line of
 * stderr. The peak of `resourceUsage` would include the process that started this one.
 */
const report = `
import { existsSync, readFileSync } from "node:fs";
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  const memory = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  process.stderr.write("\\n" + JSON.stringify({ microseconds: user + system, memory }));
})`;
const hook = ["--import", `data:text/javascript,${encodeURIComponent(report)}`];

/** The exit code of an audit that calls nobody benign, because too few can be compared. */
const tooFew = 3;

/**
 * @param pile a folder of adapters
 * @param bank file of a bank; undefined: the shipped one
 * @returns `adapters`: name, status and score of each; `seconds` of CPU and `megabytes` at the
 *   peak (null if this is not Linux), both of the whole command
 */
export async function audit(pile, bank) {
  const options = bank === undefined ? [] : ["--bank", bank];
  const { stdout, stderr } = await run(
    process.execPath,
    [...hook, command, "audit", pile, "--json", ...options],
    { maxBuffer: 2 ** 28 },
  ).catch((error) => {
    if (error.code === tooFew) return error;
    throw error;
  });
  const { microseconds, memory } = JSON.parse(stderr.trim().split("\n").at(-1));
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(memory) ?? [];
  const adapters = JSON.parse(stdout).adapters.map(({ name, status, score }) => {
    return { name, status, score: score ?? 0 };
  });
  const megabytes = kilobytes === undefined ? null : Number(kilobytes) / 1024;
  return { adapters, seconds: microseconds / 1e6, megabytes };
}
