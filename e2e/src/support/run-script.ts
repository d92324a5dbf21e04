import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { workspace } from "./paths.js";

const programs = join(workspace, "e2e", "fixtures", "bin");

/**
 * Runs a bash script in a folder. It stops at the first command that fails. `npx` is the one of
 * `e2e/fixtures/bin`; `npm run test:pack` uses npm's.
 */
export async function runScript(
  script: string,
  cwd: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const args = ["-euo", "pipefail", "-c", script];
  const env = { ...process.env, PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}` };
  const child = spawn("bash", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (part: string) => (stdout += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
