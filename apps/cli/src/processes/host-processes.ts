import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, UserError } from "@fedclair/core/errors";
import type { PythonClients } from "@fedclair/core/internal";
import { printable } from "@fedclair/core/text";
import { createEnvironment, programOf, type AppName } from "./app-process.js";
import { staysStopped } from "./stays-stopped.js";
import { HostNotes } from "./host-notes.js";

/** The exit code or the signal of a host that has failed; undefined if it has ended normally. */
export type HostFailure = number | string | undefined;

/** The client hosts of a trial, one process each. Each has room for all clients of its kind. */
export interface Hosts {
  /** Hosts of simulated clients. */
  readonly simulated?: HostCount & {
    /** Plug-in modules that the hosts load. */
    readonly plugins: readonly string[];
    /** The TensorFlow.js backend that trains. */
    readonly backend: string;
  };
  /** Hosts of external clients in Python. */
  readonly python?: HostCount & PythonClients & { readonly interpreter: string };
}

interface HostCount {
  readonly count: number;
  /** Number of clients of this kind. */
  readonly clients: number;
}

/** A child process. */
interface Child {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/**
 * Delays before the first, second and third restart of a host that has died, in ms. There is no
 * fourth.
 */
const restartDelays = [250, 1000, 4000];

/**
 * Starts all hosts. They load their modules while the coordinator starts, and get its address as
 * soon as it is known. A host that dies is started again.
 * @param over aborts when the trial is over
 * @returns for each host, how it has ended
 */
export function keepHosts(
  processes: Processes,
  { simulated, python }: Hosts,
  address: Promise<string>,
  over: AbortSignal,
): Promise<HostFailure>[] {
  const keepAll = (
    count: number,
    what: string,
    start: (index: number) => StartedHost | Promise<StartedHost>,
  ) =>
    Array.from({ length: count }, (_, i) =>
      keepHost(processes.notes, () => start(i), `${what} ${i + 1} of ${count}`, address, over),
    );
  const checkCode = python && new CodeCheck(python);
  return [
    ...(simulated
      ? keepAll(simulated.count, "client host", () => startSimulated(processes, simulated))
      : []),
    ...(python
      ? keepAll(python.count, "Python host", async (index) => {
          await checkCode?.compare();
          return startPython(processes, python, index);
        })
      : []),
  ];
}

/** The code of the Python clients of a run, which all hosts that are started for it must have. */
class CodeCheck {
  readonly #clients: PythonClients;
  #first: Promise<string | undefined> | undefined;

  constructor(clients: PythonClients) {
    this.#clients = clients;
  }

  /** @throws UserError if the code has changed since the first call */
  async compare(): Promise<void> {
    const hash = import("@fedclair/runs").then(({ hashClients }) => hashClients(this.#clients));
    const [first, now] = await Promise.all([(this.#first ??= hash), hash]);
    if (first === now) return;
    const modules = this.#clients.modules.join(" and ");
    throw new UserError(
      `the Python code of ${modules} has changed since the run began (code ${first}, now ${now}), so this host is not started again: restore it, or run the trial again, which makes another run`,
    );
  }
}

/** A host that waits for the coordinator's address. */
interface StartedHost {
  readonly child: Child;
  send(address: string): void;
  /** Aborts when the host reports that the trial is over. */
  readonly over: AbortSignal;
  /** The file in which it notes what it is doing. */
  readonly note: string;
}

function startSimulated(
  processes: Processes,
  { clients, plugins, backend }: NonNullable<Hosts["simulated"]>,
): StartedHost {
  const note = processes.notes.create();
  const child = processes.start(
    "client",
    [
      ...["--coordinator", "parent", "--capacity", String(clients), "--backend", backend],
      ...plugins.flatMap((one) => ["--plugin", one]),
    ],
    { FEDCLAIR_HOST_NOTE: note },
  );
  const over = new AbortController();
  child.process.once("message", () => {
    over.abort();
  });
  const send = (listening: string) => {
    if (child.process.connected) child.process.send({ listening }, () => undefined);
  };
  return { child, send, over: over.signal, note };
}

/**
 * Checks that an interpreter can be started and has the package of the hosts.
 * @throws UserError that says how to get there
 */
export async function checkInterpreter(interpreter: string): Promise<void> {
  const code = `import importlib.util, sys; sys.exit(importlib.util.find_spec("fedclair_command") is None)`;
  const child = spawn(interpreter, ["-c", code], { stdio: "ignore" });
  let status: unknown;
  try {
    [status] = (await once(child, "close")) as unknown[];
  } catch (error) {
    throw new UserError(
      `cannot start Python '${interpreter}': ${(error as Error).message}: name an interpreter by --python, or activate a virtual environment`,
    );
  }
  if (status !== 0) {
    throw new UserError(
      `Python '${interpreter}' has no package fedclair: install it there (pip install ./apps/client-python), or name another interpreter by --python`,
    );
  }
}

function startPython(
  processes: Processes,
  { interpreter, args, folder, clients }: NonNullable<Hosts["python"]>,
  index: number,
): StartedHost {
  const note = processes.notes.create();
  const child = processes.spawn(
    interpreter,
    ["-m", "fedclair_command", ...args, "--coordinator", "parent", "--capacity", String(clients)],
    {
      ...(folder !== undefined && { cwd: folder }),
      // Sums of PyTorch depend on the number of threads, and bytes must not depend on hosts or
      // cores.
      env: {
        OMP_NUM_THREADS: "1",
        ...process.env,
        FEDCLAIR_HOST_NOTE: note,
        FEDCLAIR_HOST_INDEX: String(index), // decides which GPU it computes on
        // All import the same module, so that one of them shows why it cannot be imported.
        ...(index > 0 && { FEDCLAIR_HOST_BRIEF: "1" }),
      },
      // An open stdin tells the host that this process lives.
      stdio: ["pipe", "inherit", "inherit"],
    },
  );
  child.process.stdin?.on("error", () => undefined); // it has ended
  const send = (listening: string) => child.process.stdin?.write(`${listening}\n`);
  return { child, send, over: new AbortController().signal, note };
}

/**
 * Runs a host. Starts it again if it has failed, but not after a user's error, which would occur
 * again.
 * @param name for messages
 * @param over aborts when the trial is over; how hosts end after that does not matter
 * @returns undefined if the host has ended normally; otherwise its exit code or signal
 */
async function keepHost(
  notes: HostNotes,
  start: () => StartedHost | Promise<StartedHost>,
  name: string,
  address: Promise<string>,
  over: AbortSignal,
): Promise<HostFailure> {
  for (let starts = 0; ; starts++) {
    let host: StartedHost;
    try {
      host = await start();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      process.stderr.write(`${name}: ${error.message}\n`);
      return exitCodes.usage;
    }
    void address.then((listening) => {
      host.send(listening);
    });
    const child = host.child.process;
    const code = await Promise.race([host.child.exit, staysStopped(child)]);
    const doing = notes.settle(host.note, code);
    // Only now, as its clients go to other hosts, which must know what it has noted.
    child.kill("SIGKILL");
    const isDone = code === 0 && doing === undefined;
    if (isDone || host.over.aborted || over.aborted) return undefined;
    // A client may end its host with any code.
    const isUsersError = code === exitCodes.usage && doing === undefined;
    const wait = isUsersError ? undefined : restartDelays[starts];
    const again =
      wait === undefined ? "" : `; it is started again (${starts + 1} of ${restartDelays.length})`;
    const where = doing === undefined ? "" : ` (${printable(doing, 300)})`;
    process.stderr.write(`${name} ended with ${code}${where}${again}\n`);
    if (wait === undefined) return code;
    try {
      await delay(wait, undefined, { signal: over });
    } catch {
      return undefined;
    }
  }
}

/** The error of a trial that has lost its hosts: a user's error if they all ended with one. */
export function lostHosts(failures: readonly HostFailure[], message: string): UserError {
  const isUsage = failures.every((code) => code === exitCodes.usage);
  return new UserError(message, isUsage ? exitCodes.usage : exitCodes.quorum);
}

/** The processes of one federation, which share a join token. No child outlives this process. */
export class Processes {
  readonly token: string;
  readonly notes = new HostNotes();
  readonly #running = new Set<Child>();

  /** @param token the join token; default: a random one */
  constructor(token = randomBytes(16).toString("hex")) {
    this.token = token;
  }

  /** @param env further variables of its environment */
  start(app: AppName, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const logged = { FEDCLAIR_LOG: process.env["FEDCLAIR_LOG"] ?? "warn" };
    return this.spawn(process.execPath, [...programOf(app), ...args], {
      env: { ...createEnvironment(app), ...logged, ...env },
      // Clients can write to the descriptors of their host, and stdout is for results.
      stdio: ["ignore", app === "client" ? 2 : "inherit", "inherit", "ipc"],
    });
  }

  /** Starts a program with the join token in its environment. */
  spawn(program: string, args: readonly string[], options: SpawnOptions): Child {
    const env = { ...options.env, FEDCLAIR_TOKEN: this.token };
    const child = spawn(program, args, { ...options, env });
    // "close" comes after "exit", when all output has been read.
    const exit = once(child, "close").then(
      ([code, signal]: unknown[]) => (code ?? signal) as number | string,
      (error: unknown) => {
        process.stderr.write(`cannot start ${program}: ${(error as Error).message}\n`);
        return exitCodes.usage;
      },
    );
    const started = { process: child, exit };
    this.#running.add(started);
    void exit.then(() => this.#running.delete(started));
    return started;
  }

  kill(signal: NodeJS.Signals): void {
    for (const child of this.#running) child.process.kill(signal);
  }

  /** Kills all processes. */
  close(): void {
    this.kill("SIGKILL");
    this.notes.close();
  }

  /** Resolves when all processes have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(({ exit }) => exit));
  }
}
