import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { commandName, interruption } from "@fedclair/runs/program";
import { keepHosts, lostHosts, Processes, type HostFailure, type Hosts } from "./host-processes.js";

/** How to run a trial in several processes on this machine. */
interface Federation {
  /** Arguments of `fedclair coordinator`, the trial file first. */
  readonly coordinatorArgs: readonly string[];
  /**
   * Called while the coordinator starts; resolves to undefined if the coordinator will reject the
   * trial.
   */
  readonly hosts: () => Promise<Hosts | undefined>;
  /** The join token, if others know it too. Default: a random one. */
  readonly token?: string | undefined;
  /** Receives the run folder as soon as the coordinator has chosen it. */
  readonly onFolder?: (folder: string) => void;
}

/** Time for client hosts to exit after their coordinator, in ms. */
const farewell = 5000;

/** Time after which a coordinator without hosts is stopped, in ms. */
const desertion = 3000;

/**
 * Starts a coordinator and client hosts, and waits for the coordinator to end. A host that dies is
 * restarted. No child outlives this process: children are stopped on Ctrl-C, and stop by themselves
 * when the channel to this process breaks.
 * @returns the coordinator's exit code
 */
export async function runFederation({
  coordinatorArgs,
  hosts: hostsWanted,
  token,
  onFolder,
}: Federation): Promise<number> {
  interruption.signal.throwIfAborted();
  const processes = new Processes(token);
  const over = new AbortController();
  const fate: { listened: boolean; desertion?: UserError; folder?: string } = { listened: false };
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
    coordinator.process.on("message", (message: CoordinatorNews) => {
      if (message.folder !== undefined) {
        fate.folder = message.folder;
        onFolder?.(message.folder);
      }
      if (message.isOver === true) over.abort();
    });
    void address.then(() => {
      fate.listened = true;
    });
    const wanted = await hostsWanted();
    const hosts =
      wanted && !over.signal.aborted ? keepHosts(processes, wanted, address, over.signal) : [];
    const desert = (failures: readonly HostFailure[]) => {
      if (coordinator.process.kill("SIGTERM"))
        fate.desertion = lostHosts(failures, "every client host ended, see above");
    };
    // Without hosts of its own, this process waits for those of its parent.
    const hasOwn = wanted === undefined || hosts.length > 0;
    if (hasOwn) void address.then(() => whenAllFailed(hosts)).then(desert);
    const code = await coordinator.exit;
    over.abort();
    if (typeof code !== "number") leaveTerminal(fate.folder);
    if (!fate.listened) processes.kill("SIGKILL"); // hosts that have never received an address
    interruption.signal.throwIfAborted();
    if (fate.desertion) throw fate.desertion;
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
    processes.close();
  }
}

/** Does what a coordinator that was killed could not do: gives back the cursor and line wrap. */
function leaveTerminal(folder = ""): void {
  if (process.stderr.isTTY) process.stderr.write("\u001b[?25h\u001b[?7h\n");
  if (!interruption.signal.aborted || folder === "") return;
  const resume = `${commandName()} resume ${folder}`;
  process.stderr.write(`stopped within a round, in ${folder}: ${resume} repeats it and goes on\n`);
}

/** Formats a message about a process that was ended by a signal. */
export function endedBy(process: string, signal: string): string {
  const why = signal === "SIGKILL" ? "; did the system run out of memory?" : "";
  return `the ${process} was ended by ${signal}${why}`;
}

/**
 * Resolves some time after the last host has failed, as the coordinator may report a lost round
 * better itself.
 */
async function whenAllFailed(
  hosts: readonly Promise<HostFailure>[],
): Promise<readonly HostFailure[]> {
  const failures = await Promise.all(hosts);
  if (failures.includes(undefined)) await new Promise(() => undefined);
  await delay(desertion, undefined, { ref: false });
  return failures;
}

/**
 * What a coordinator tells its parent: its run folder, later its address, and that it needs its
 * hosts no longer.
 */
interface CoordinatorNews {
  readonly folder?: string;
  readonly listening?: string;
  readonly isOver?: boolean;
}

/** Resolves to the address that a coordinator listens on; never, if it ends before. */
function addressOf(coordinator: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    coordinator.on("message", ({ listening }: CoordinatorNews) => {
      if (listening !== undefined) resolve(listening);
    });
  });
}
