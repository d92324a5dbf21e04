import { chooseBackend, currentBackend } from "@fedclair/compute";
import type { BackendChoice } from "@fedclair/compute/choices";
import { UserError } from "@fedclair/core";
import {
  ClientRunner,
  errorMessage,
  exitCodes,
  prepareSentTrial,
  type Trial,
} from "@fedclair/core/internal";
import {
  selectRunnerOptions,
  identifyPlugins,
  listClientPlugins,
  loadForHost,
  resolveModules,
  WatchedRunner,
} from "@fedclair/plugins";
import {
  clientEventLogger,
  hostBackends,
  Patience,
  toUserError,
  version,
  type ClientLog,
} from "@fedclair/runs/host";
import { checkCoordinatorUrl, connectHost, isLoopback, type Certificates } from "@fedclair/wire";

/** A log, such as `console`. */
export interface HostLog extends ClientLog {
  info(text: string): void;
}

/** How to run a client host in a program. */
export interface JoinOptions {
  /** The coordinator's address, as https://10.0.0.1:4000. */
  readonly coordinator: string;
  /** The maximum number of virtual clients on this host. */
  readonly capacity: number;
  /** The coordinator's join token, if it requires one. */
  readonly token?: string | undefined;
  /** The trusted authorities and, if the coordinator requires it, this host's certificate (PEM). */
  readonly tls?: Certificates | undefined;
  /** The TensorFlow.js backend. Default: the coordinator chooses. */
  readonly backend?: BackendChoice;
  /** Modules of plug-ins that may run here: paths or packages. Default: none. */
  readonly plugins?: readonly string[];
  /** Leaves the trial when it aborts. */
  readonly signal?: AbortSignal;
  /** Where to report what people should know. Default: nowhere. */
  readonly log?: HostLog | undefined;
  /** Called when the trial is known, and when this host begins a round; 0 is before the first. */
  readonly onPlace?: (place: { readonly trial: string; readonly round?: number }) => void;
  /** Says how a client has ended another host, if it has. Then it does not run. */
  readonly findEnded?: (clientId: string) => string | undefined;
}

/** How a host's part in a trial ended. */
export interface JoinResult {
  /** A sentence for people. */
  readonly reason: string;
  /** 0, or the exit code of a coordinator whose trial failed. */
  readonly exitCode: number;
  /** Number of jobs that were run. */
  readonly jobs: number;
  /** TensorFlow.js tensors in memory after the first jobs and after the last. */
  readonly tensors: { readonly first: number; readonly last: number };
}

const silent: HostLog = { info: () => undefined, warn: () => undefined };

/**
 * Joins a coordinator and trains the virtual clients that it assigns, until the trial is over.
 * @throws UserError if the address or the certificate is wrong; RefusedError if the coordinator
 * refuses this host; UnreachableError if there is none
 */
export async function joinTrial(options: JoinOptions): Promise<JoinResult> {
  const { coordinator, capacity, token, tls, signal, log = silent, onPlace } = options;
  const { protocol, hostname } = checkCoordinatorUrl(coordinator);
  if (tls && protocol === "http:") {
    throw new UserError(
      `'${coordinator}' is an address without TLS: expected one that begins with https://`,
    );
  }
  if (protocol === "http:" && !isLoopback(hostname)) {
    log.warn("no TLS: who sees the network can read the token and every update");
  }
  const modules = resolveModules(options.plugins ?? []);
  const identified = modules.length === 0 ? undefined : await identifyPlugins(modules);
  const backends = hostBackends(options.backend ?? "auto");
  let runner: ClientRunner | WatchedRunner | undefined;
  const at = { trial: "", round: -1 };
  const patience = new Patience((line) => {
    log.warn(line);
  });
  let jobs = 0;
  const tensors = { first: 0, last: 0 };
  const ending = await connectHost({
    url: coordinator,
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
    capacity,
    backends,
    softwareVersion: version,
    plugins: identified?.plugins ?? [],
    ...(signal && { signal }),
    onWelcome: async (trialJson, name) => {
      try {
        chooseBackend(backends.find((one) => one === name) ?? "auto");
      } catch (error) {
        toUserError(error); // it was announced, and cannot be loaded
      }
      log.info(`backend ${name}, as the coordinator says`);
      const from = "the coordinator's trial";
      const trial = await readTrial(from, async () => {
        const trial = JSON.parse(trialJson) as Trial;
        const events = clientEventLogger(log);
        const described = selectRunnerOptions(trial, from);
        if (listClientPlugins(trial).length > 0) {
          const { thread } = identified ?? {};
          const { findEnded = () => undefined } = options;
          const watched = { modules, ...described, backend: name, thread, events, findEnded };
          runner = new WatchedRunner(watched);
        } else {
          const { content } = described;
          const prepared = prepareSentTrial(content, from, await loadForHost(content));
          runner = new ClientRunner(prepared, events);
        }
        return trial;
      });
      at.trial = trial.name;
      onPlace?.({ trial: trial.name });
      patience.waitFor(`task ${trial.task.name}, preparing its data`);
      await runner?.prepare();
      patience.stop();
    },
    jobsAtOnce: () => runner?.maxBatch ?? 1,
    callsAhead: () => runner?.ahead ?? 1,
    runJobs: async (group) => {
      const [first] = group;
      if (!runner || !first) throw new Error("a job came before the trial");
      if (first.round !== at.round) {
        at.round = first.round;
        onPlace?.({ ...at });
      }
      const answers = await runner.runAll(group);
      tensors.last =
        runner instanceof WatchedRunner
          ? runner.tensors
          : (currentBackend()?.tf.memory().numTensors ?? 0);
      if (jobs === 0) tensors.first = tensors.last;
      jobs += group.length;
      return answers;
    },
    stopJobs: async () => {
      await runner?.close();
      await identified?.thread.end();
    },
    onUnreachable: (why) => {
      // With a parent process, the parent reports the end of the coordinator.
      const level = process.connected ? "info" : "warn";
      log[level](`no coordinator at ${coordinator}: ${why}; still trying`);
    },
    onOtherRelease: (release) => {
      log.warn(
        `this host has release ${version}, and the coordinator ${release}: its numbers may differ; install the same release on both`,
      );
    },
    onRefused: (clientId, failure) => {
      log.warn(
        { client: clientId },
        `the coordinator refused ${clientId}: ${failure.code}: ${failure.message}`,
      );
    },
  });
  return { ...ending, jobs, tensors };
}

/** Reads what a coordinator sent as its trial, which may be anything. @throws UserError */
async function readTrial<T>(from: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = `${from} is none that this host can read: ${errorMessage(error)}`;
    throw new UserError(`${why}: install the same release on both`, exitCodes.usage, error);
  }
}
