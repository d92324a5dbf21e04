import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a bash script in a folder. It stops at the first command that fails. */
export async function runScript(
  script: string,
  cwd: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const args = ["-euo", "pipefail", "-c", script];
  const child = spawn("bash", args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (part: string) => (stdout += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
