// `fedclair audit` as a process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = fileURLToPath(new URL("../../apps/simulator/bin/fedclair.js", import.meta.url));

/**
 * @param paths of adapters, or of folders of them
 * @returns what it prints with `--json`
 */
export async function audit(paths, ...options) {
  const { stdout } = await run(
    process.execPath,
    [command, "audit", ...paths, "--json", ...options],
    {
      maxBuffer: 2 ** 28,
    },
  );
  return JSON.parse(stdout);
}
