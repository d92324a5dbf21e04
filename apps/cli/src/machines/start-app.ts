import { spawn } from "node:child_process";
import { once } from "node:events";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { interruption } from "@fedclair/runs/program";
import { endedBy } from "../processes/federation.js";
import { environmentOf, programOf } from "../processes/host-processes.js";

/** Commands that are apps of their own, with the package of each. */
export const apps = { coordinator: "coordinator", client: "client", view: "view" } as const;

/** `fedclair coordinator`, `client` and `view`: starts the app with its own options. */
export async function startApp(command: keyof typeof apps, args: readonly string[]): Promise<void> {
  const app = apps[command];
  const child = spawn(process.execPath, [...programOf(app), ...args], {
    env: environmentOf(app),
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  interruption.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  const [code, signal] = (await once(child, "exit")) as [number | null, string];
  if (interruption.signal.aborted) process.exitCode = exitCodes.interrupted;
  else if (code === null) throw new UserError(endedBy(command, signal), exitCodes.internal);
  else process.exitCode = code;
}
