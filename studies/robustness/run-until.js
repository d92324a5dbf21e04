import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const workspace = join(import.meta.dirname, "../..");

/**
 * Runs `fedclair`, and kills it with all its processes after some time.
 * @param {readonly string[]} args
 * @param {number} [killAfter] seconds; default: never
 * @returns {Promise<{ code: number | string, stderr: string }>} its exit code, or the signal
 */
export async function runUntil(args, killAfter) {
  const { FEDCLAIR_TOKEN: _token, ...env } = process.env;
  const program = join(workspace, "apps/cli/bin/fedclair.js");
  const child = spawn(process.execPath, [program, ...args], {
    cwd: workspace,
    env: { ...env, FEDCLAIR_LOG: "silent" },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const timer =
    killAfter === undefined
      ? undefined
      : setTimeout(() => process.kill(-child.pid, "SIGKILL"), 1000 * killAfter);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  return { code: code ?? signal, stderr };
}
