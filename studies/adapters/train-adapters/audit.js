// Runs `fedclair audit` as a process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = fileURLToPath(new URL("../../../apps/cli/bin/fedclair.js", import.meta.url));
const pythonPackage = fileURLToPath(new URL("../../../apps/client-python/src", import.meta.url));
const env = { ...process.env, PYTHONPATH: pythonPackage };

/**
 * @param paths of adapters, or of folders of them
 * @returns its output with `--json`
 */
export async function audit(paths, ...options) {
  const args = [command, "audit", ...paths, "--json", ...options];
  const { stdout } = await run(process.execPath, args, { env, maxBuffer: 2 ** 28 }).catch(
    (error) => {
      // If none or too few adapters can be compared, the command fails but still prints its result.
      if (error.stdout) return error;
      throw error;
    },
  );
  return JSON.parse(stdout);
}
