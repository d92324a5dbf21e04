import { spawn } from "node:child_process";
import { once } from "node:events";
import { exitCodes } from "@fedclair/core";
import { interruption } from "@fedclair/trials";
import { mainOf } from "./federation.js";

/** `fedclair coordinator` and `fedclair client`: starts the app, with its own options. */
export async function halfByHand(
  app: "coordinator" | "client",
  args: readonly string[],
): Promise<void> {
  const child = spawn(process.execPath, ["--enable-source-maps", mainOf(app), ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  interruption.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  const [code] = (await once(child, "exit")) as [number | null];
  const interrupted = interruption.signal.aborted;
  process.exitCode = interrupted ? exitCodes.interrupted : (code ?? exitCodes.internal);
}
