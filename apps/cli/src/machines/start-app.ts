import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { interruption } from "@fedclair/runs/program";
import { endedBy } from "../processes/federation.js";
import { createEnvironment, programOf, type AppName } from "../processes/app-process.js";

/**
 * `fedclair coordinator`, `client` and `view`: starts the app with its own options. The page gets
 * the path of this command, to start replays.
 */
export async function startApp(app: AppName, args: readonly string[]): Promise<void> {
  const own = app === "view" ? ["--program", fileURLToPath(import.meta.resolve("#fedclair"))] : [];
  const child = spawn(process.execPath, [...programOf(app), ...own, ...args], {
    env: createEnvironment(app),
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  interruption.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  const [code, signal] = (await once(child, "exit")) as [number | null, string];
  if (interruption.signal.aborted) process.exitCode = exitCodes.interrupted;
  else if (code === null) throw new UserError(endedBy(app, signal), exitCodes.internal);
  else process.exitCode = code;
}
