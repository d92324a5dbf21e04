import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import module from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { interruption } from "@fedclair/runs/program";

/** How to run a trial in processes of this machine. */
export interface Federation {
  /** Arguments of `fedclair coordinator`, the trial file first. */
  readonly coordinatorArgs: readonly string[];
  /** Asked while the coordinator starts; undefined of a trial that it will refuse. */
  readonly hosts: () => Promise<Hosts | undefined>;
  readonly backend: string;
}

/** Client hosts, each a process. */
export interface Hosts {
  readonly count: number;
  /** Of the trial: each host has room for all. */
  readonly clients: number;
  /** Modules of plug-ins that the hosts load. */
  readonly plugins: readonly string[];
}

/** A process that this one has started. */
interface Child {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** Time for client hosts to leave after their coordinator, in ms. */
const farewell = 5000;

/** How long a coordinator is left alone without hosts, in ms. */
const desertion = 3000;

/** How long a host that died is waited with before it is started again, in ms: once, twice, thrice, and not again. */
const restartDelays = [250, 1000, 4000];

/**
 * Starts a coordinator and client hosts, and waits for the coordinator to end. A host that dies is started again. None of
 * them outlives this process: they are told to stop on Ctrl-C, and stop by themselves when the channel to this process
 * breaks.
 * @returns the coordinator's exit code
 */
export async function runFederation({
  coordinatorArgs,
  hosts: hostsWanted,
  backend,
}: Federation): Promise<number> {
  interruption.signal.throwIfAborted();
  const processes = new Processes();
  const over = new AbortController();
  const fate = { listened: false, deserted: false };
  const stop = () => {
    over.abort();
    processes.kill("SIGTERM");
    // One that a plug-in keeps busy hears no signal; a second Ctrl-C, or patience at its end, needs no hearing.
    setTimeout(kill, farewell).unref();
    process.once("SIGINT", kill);
  };
  const kill = () => {
    processes.kill("SIGKILL");
  };
  interruption.signal.addEventListener("abort", stop);
  try {
    const coordinator = processes.start("coordinator", coordinatorArgs);
    const address = addressOf(coordinator.process);
    void address.then(() => {
      fate.listened = true;
    });
    const wanted = await hostsWanted();
    const hosts =
      wanted && !over.signal.aborted
        ? Array.from({ length: wanted.count }, (_, i) =>
            keepHost(processes, { ...wanted, backend }, i, address, over.signal),
          )
        : [];
    void address
      .then(() => whenAllFailed(hosts))
      .then(() => {
        fate.deserted = coordinator.process.kill("SIGTERM");
      });
    const code = await coordinator.exit;
    over.abort();
    if (!fate.listened) processes.kill("SIGKILL"); // hosts that were never told where to go
    interruption.signal.throwIfAborted();
    if (fate.deserted) throw new UserError("every client host ended, see above", exitCodes.quorum);
    if (typeof code !== "number")
      throw new UserError(endedBy("coordinator", code), exitCodes.internal);
    // After a failure there may be nobody left to tell the hosts that it is over.
    if (code === 0) {
      await Promise.race([processes.ended(), delay(farewell, undefined, { ref: false })]);
    }
    return code;
  } finally {
    over.abort();
    interruption.signal.removeEventListener("abort", stop);
    processes.kill("SIGKILL");
  }
}

/** For people, of a process that a signal ended. */
export function endedBy(process: string, signal: string): string {
  const why = signal === "SIGKILL" ? "; did the system run out of memory?" : "";
  return `the ${process} was ended by ${signal}${why}`;
}

/**
 * Runs a client host, which is told the coordinator's address when that is known, and starts it again when a signal or a fault of
 * the program has ended it: not after a user's
 * error, which would only come back.
 * @param over aborts when the trial is over: how hosts end from then on tells nothing
 * @returns did it leave in good order?
 */
async function keepHost(
  processes: Processes,
  { clients, count, backend, plugins }: Hosts & Pick<Federation, "backend">,
  index: number,
  address: Promise<string>,
  over: AbortSignal,
): Promise<boolean> {
  // Room for all, of which each gets its share: the clients of one that dies go to the others in the next round.
  const args = [
    ...["--coordinator", "parent", "--capacity", String(clients), "--backend", backend],
    ...plugins.flatMap((module) => ["--plugin", module]),
  ];
  for (let starts = 0; ; starts++) {
    const host = processes.start("client", args);
    // It loads its modules while the coordinator starts.
    void address.then((listening) => {
      if (host.process.connected) host.process.send({ listening }, () => undefined);
    });
    const told = new AbortController(); // that the trial is over, however it ended
    host.process.once("message", () => {
      told.abort();
    });
    const code = await host.exit;
    if (code === 0 || told.signal.aborted || over.aborted) return true;
    const mayRecover = typeof code === "string" || code === exitCodes.internal;
    const wait = mayRecover ? restartDelays[starts] : undefined;
    const again =
      wait === undefined ? "" : `; it is started again (${starts + 1} of ${restartDelays.length})`;
    process.stderr.write(`client host ${index + 1} of ${count} ended with ${code}${again}\n`);
    if (wait === undefined) return false;
    try {
      await delay(wait, undefined, { signal: over });
    } catch {
      return true;
    }
  }
}

/** Resolves some time after the last host has failed: the coordinator may have its own, better word on a lost round. */
async function whenAllFailed(hosts: readonly Promise<boolean>[]): Promise<void> {
  const left = await Promise.all(hosts);
  if (left.includes(true)) await new Promise(() => undefined);
  await delay(desertion, undefined, { ref: false });
}

/** The processes of one federation, which share a join token. */
class Processes {
  readonly #token = randomBytes(16).toString("hex");
  readonly #running = new Set<Child>();

  start(app: "coordinator" | "client", args: readonly string[]): Child {
    const child = spawn(process.execPath, [...programOf(app), ...args], {
      env: {
        ...environmentOf(app),
        FEDCLAIR_TOKEN: this.#token,
        FEDCLAIR_LOG: process.env["FEDCLAIR_LOG"] ?? "warn",
      },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    // "close" and not "exit": by then all that it printed has been read.
    const exit = once(child, "close").then(
      ([code, signal]: unknown[]) => (code ?? signal) as number | string,
    );
    const started = { process: child, exit };
    this.#running.add(started);
    void exit.then(() => this.#running.delete(started));
    return started;
  }

  kill(signal: NodeJS.Signals): void {
    for (const child of this.#running) child.process.kill(signal);
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(({ exit }) => exit));
  }
}

/** The address that a coordinator says it listens on; pending for ever if it ends before. */
function addressOf(coordinator: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    coordinator.once("message", (message) => {
      resolve((message as { listening: string }).listening);
    });
  });
}

/** From Node.js 22 on: where this process keeps what it compiled, if it does. */
const { getCompileCacheDir }: typeof module & { getCompileCacheDir?: () => string | undefined } =
  module;

/**
 * What a process of an app begins with: what was compiled before is there for it too. Of a coordinator: that what was held for a large
 * tensor goes back to the system when it is free. By itself glibc keeps pieces of up to 32 MiB for later, a hundred megabytes and more
 * of them.
 */
export function environmentOf(app: "coordinator" | "client"): NodeJS.ProcessEnv {
  const large = app === "coordinator" && { MALLOC_MMAP_THRESHOLD_: String(4 << 20) };
  const compiled = getCompileCacheDir?.();
  return { ...large, ...(compiled && { NODE_COMPILE_CACHE: compiled }), ...process.env };
}

/**
 * What Node.js is told of an app, which is started, never imported. Tensors that come and go lie outside V8's heap, and still have V8
 * look through all of it, again and again, for what is free: of a heap that begins with 96 MB it does so seldom. An update of 3 MB then takes
 * half of the time, one of 30 kB three quarters.
 */
export function programOf(app: "coordinator" | "client"): readonly string[] {
  return [
    "--initial-old-space-size=96",
    fileURLToPath(import.meta.resolve(`@fedclair/${app}/main`)),
  ];
}
