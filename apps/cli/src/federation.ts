import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import module from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { interruption } from "@fedclair/runs/program";

/** How to run a trial in several processes on this machine. */
export interface Federation {
  /** Arguments of `fedclair coordinator`, the trial file first. */
  readonly coordinatorArgs: readonly string[];
  /**
   * Called while the coordinator starts; resolves to undefined if the coordinator will reject the
   * trial.
   */
  readonly hosts: () => Promise<Hosts | undefined>;
  readonly backend: string;
}

/** The client hosts of a trial, one process each. */
export interface Hosts {
  readonly count: number;
  /** Number of clients of the trial. Each host has room for all of them. */
  readonly clients: number;
  /** Plug-in modules that the hosts load. */
  readonly plugins: readonly string[];
}

/** A child process. */
interface Child {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** Time for client hosts to exit after their coordinator, in ms. */
const farewell = 5000;

/** Time after which a coordinator without hosts is stopped, in ms. */
const desertion = 3000;

/**
 * Delays before the first, second and third restart of a host that has died, in ms. There is no
 * fourth.
 */
const restartDelays = [250, 1000, 4000];

/**
 * Starts a coordinator and client hosts, and waits for the coordinator to end. A host that dies is
 * restarted. No child outlives this process: children are stopped on Ctrl-C, and stop by themselves
 * when the channel to this process breaks.
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
    // A child that is busy in plug-in code cannot handle SIGTERM, so it is killed after the grace
    // period or on a second Ctrl-C.
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
    if (!fate.listened) processes.kill("SIGKILL"); // hosts that have never received an address
    interruption.signal.throwIfAborted();
    if (fate.deserted) throw new UserError("every client host ended, see above", exitCodes.quorum);
    if (typeof code !== "number")
      throw new UserError(endedBy("coordinator", code), exitCodes.internal);
    // After a failure, there may be no coordinator left to tell the hosts that the trial is over.
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

/** Formats a message about a process that was ended by a signal. */
export function endedBy(process: string, signal: string): string {
  const why = signal === "SIGKILL" ? "; did the system run out of memory?" : "";
  return `the ${process} was ended by ${signal}${why}`;
}

/**
 * Runs a client host and sends it the coordinator's address as soon as it is known. Restarts the
 * host if it was ended by a signal or a fault of the program, but not after a user's error, which
 * would occur again.
 * @param over aborts when the trial is over; how hosts end after that does not matter
 * @returns true if the host has ended normally
 */
async function keepHost(
  processes: Processes,
  { clients, count, backend, plugins }: Hosts & Pick<Federation, "backend">,
  index: number,
  address: Promise<string>,
  over: AbortSignal,
): Promise<boolean> {
  // Each host has room for all clients, so that others can take over the clients of a dead host in
  // the next round.
  const args = [
    ...["--coordinator", "parent", "--capacity", String(clients), "--backend", backend],
    ...plugins.flatMap((module) => ["--plugin", module]),
  ];
  for (let starts = 0; ; starts++) {
    const host = processes.start("client", args);
    // The host loads its modules while the coordinator starts.
    void address.then((listening) => {
      if (host.process.connected) host.process.send({ listening }, () => undefined);
    });
    const ended = new AbortController(); // aborts when the host reports that the trial is over
    host.process.once("message", () => {
      ended.abort();
    });
    const code = await host.exit;
    if (code === 0 || ended.signal.aborted || over.aborted) return true;
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

/**
 * Resolves some time after the last host has failed, as the coordinator may report a lost round
 * better itself.
 */
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
    // "close" comes after "exit", when all output has been read.
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

  /** Resolves when all processes have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(({ exit }) => exit));
  }
}

/** Resolves to the address that a coordinator listens on; never, if it ends before. */
function addressOf(coordinator: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    coordinator.once("message", (message) => {
      resolve((message as { listening: string }).listening);
    });
  });
}

/** From Node.js 22 on: returns this process's compile cache folder, if it has one. */
const { getCompileCacheDir }: typeof module & { getCompileCacheDir?: () => string | undefined } =
  module;

/**
 * The environment for the process of an app. It shares this process's compile cache. In a
 * coordinator, memory of a large tensor is returned to the system when it is freed; by default,
 * glibc keeps blocks of up to 32 MiB for later, a hundred megabytes or more in total.
 */
export function environmentOf(app: "coordinator" | "client"): NodeJS.ProcessEnv {
  const large = app === "coordinator" && { MALLOC_MMAP_THRESHOLD_: String(4 << 20) };
  const compiled = getCompileCacheDir?.();
  return { ...large, ...(compiled && { NODE_COMPILE_CACHE: compiled }), ...process.env };
}

/**
 * The arguments of Node.js to start an app. Apps are started, never imported. Tensors are outside
 * V8's heap, but allocating and freeing them still makes V8 collect garbage in the whole heap. With
 * an initial heap of 96 MB it does so rarely: an update of 3 MB takes half of the time, one of 30
 * kB three quarters.
 */
export function programOf(app: "coordinator" | "client"): readonly string[] {
  return [
    "--initial-old-space-size=96",
    fileURLToPath(import.meta.resolve(`@fedclair/${app}/main`)),
  ];
}
