// Runs `fedclair audit` on a pile and measures its cost.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = fileURLToPath(new URL("../../apps/cli/dist/src/main.js", import.meta.url));

/** Code that prints what the process has used as the last line of stderr. */
const report = `process.on("exit", () => {
  process.stderr.write("\\n" + JSON.stringify(process.resourceUsage()));
})`;
const hook = ["--import", `data:text/javascript,${encodeURIComponent(report)}`];

/**
 * @param pile a folder of adapters
 * @param bank file of a bank; undefined: the shipped one
 * @returns `adapters`: name, status and score of each; `seconds` of CPU and `megabytes` at the
 *   peak, both of the whole command
 */
export async function audit(pile, bank) {
  const options = bank === undefined ? [] : ["--bank", bank];
  const { stdout, stderr } = await run(
    process.execPath,
    [...hook, command, "audit", pile, "--json", ...options],
    { maxBuffer: 2 ** 28 },
  );
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(stderr.trim().split("\n").at(-1));
  const adapters = JSON.parse(stdout).adapters.map(({ name, status, score }) => {
    return { name, status, score: score ?? 0 };
  });
  return { adapters, seconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 };
}
