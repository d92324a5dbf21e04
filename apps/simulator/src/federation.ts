import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { interruption } from "@fedclair/runs/program";

/** How to run a trial in processes of this machine. */
export interface Federation {
  /** Arguments of `fedclair coordinator`, the trial file first. */
  readonly coordinatorArgs: readonly string[];
  readonly clients: number;
  /** Client hosts, each a process. */
  readonly hosts: number;
  readonly backend: string;
}

interface Child {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** Time for client hosts to leave after their coordinator, in ms. */
const farewell = 5000;

/** How long a coordinator is left alone without hosts, in ms. */
const desertion = 3000;

/**
 * Starts a coordinator and client hosts, and waits for the coordinator to end. None of them outlives this process: they
 * are told to stop on Ctrl-C, and stop by themselves when the channel to this process breaks.
 * @returns the coordinator's exit code
 */
export async function runFederation(federation: Federation): Promise<number> {
  interruption.signal.throwIfAborted();
  const children: Child[] = [];
  const fate = { deserted: false, over: false };
  const stop = () => {
    for (const child of children) child.process.kill("SIGTERM");
  };
  interruption.signal.addEventListener("abort", stop);
  try {
    const token = randomBytes(16).toString("hex");
    const coordinator = start("coordinator", federation.coordinatorArgs, token);
    children.push(coordinator);
    const url = await Promise.race([
      listening(coordinator.process),
      coordinator.exit.then(() => undefined),
    ]);
    if (url !== undefined) {
      const hosts = startHosts(federation, url, token, fate);
      children.push(...hosts);
      void whenAllFailed(hosts).then(() => {
        fate.deserted = coordinator.process.kill("SIGTERM");
      });
    }
    const code = await coordinator.exit;
    interruption.signal.throwIfAborted();
    fate.over = true;
    if (fate.deserted) throw new UserError("every client host ended, see above", exitCodes.quorum);
    if (typeof code !== "number")
      throw new UserError(endedBy("coordinator", code), exitCodes.internal);
    // After a failure there may be nobody left to tell the hosts that it is over.
    const left = Promise.all(children.map(({ exit }) => exit));
    if (code === 0) await Promise.race([left, delay(farewell, undefined, { ref: false })]);
    return code;
  } finally {
    interruption.signal.removeEventListener("abort", stop);
    for (const child of children) child.process.kill("SIGKILL");
  }
}

/** For people, of a process that a signal ended. */
export function endedBy(process: string, signal: string): string {
  const why = signal === "SIGKILL" ? "; did the system run out of memory?" : "";
  return `the ${process} was ended by ${signal}${why}`;
}

/** @param fate says when the trial is over: how hosts end from then on tells nothing */
function startHosts(
  { clients, hosts, backend }: Federation,
  url: string,
  token: string,
  fate: { readonly over: boolean },
): Child[] {
  return Array.from({ length: hosts }, (_, i) => {
    const capacity = Math.ceil((clients - i) / hosts);
    const args = ["--coordinator", url, "--capacity", String(capacity), "--backend", backend];
    const host = start("client", args, token);
    void host.exit.then((code) => {
      if (code === 0 || fate.over || interruption.signal.aborted) return;
      process.stderr.write(`client host ${i + 1} of ${hosts} ended with ${code}\n`);
    });
    return host;
  });
}

/** Resolves some time after the last host has failed: the coordinator may have its own, better word on a lost round. */
async function whenAllFailed(hosts: readonly Child[]): Promise<void> {
  const codes = await Promise.all(hosts.map(({ exit }) => exit));
  if (codes.includes(0)) await new Promise(() => undefined);
  await delay(desertion, undefined, { ref: false });
}

function start(app: "coordinator" | "client", args: readonly string[], token: string): Child {
  const child = spawn(process.execPath, ["--enable-source-maps", mainOf(app), ...args], {
    env: {
      ...process.env,
      FEDCLAIR_TOKEN: token,
      FEDCLAIR_LOG: process.env["FEDCLAIR_LOG"] ?? "warn",
    },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // "close" and not "exit": by then all that it printed has been read.
  const exit = once(child, "close").then(
    ([code, signal]: unknown[]) => (code ?? signal) as number | string,
  );
  return { process: child, exit };
}

/** The address that a coordinator says it listens on. */
async function listening(coordinator: ChildProcess): Promise<string> {
  const [message] = (await once(coordinator, "message")) as [{ listening: string }];
  return message.listening;
}

/** The program of an app; apps are started, never imported. */
export function mainOf(app: "coordinator" | "client"): string {
  return fileURLToPath(import.meta.resolve(`@fedclair/${app}/main`));
}
