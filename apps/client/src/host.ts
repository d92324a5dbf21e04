import { chooseBackend, currentBackend, type BackendChoice } from "@fedclair/compute";
import { UserError } from "@fedclair/core";
import { ClientRunner, prepareSentTrial, type Trial } from "@fedclair/core/internal";
import {
  selectRunnerOptions,
  identifyPlugins,
  listClientPlugins,
  loadForHost,
  resolveModules,
  WatchedRunner,
} from "@fedclair/plugins/host";
import {
  clientEventLogger,
  createLog,
  hostBackends,
  interruption,
  Patience,
  readCertificates,
  readToken,
  toUserError,
  version,
} from "@fedclair/runs/host";
import { checkCoordinatorUrl, connectHost, isLoopback } from "@fedclair/wire";

import { EndedClients } from "./ended-clients.js";

export interface HostOptions {
  readonly coordinator: string;
  readonly capacity: number;
  readonly backend: BackendChoice;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plug-in modules that this host's operator allows. */
  readonly plugins: readonly string[];
}

/** `fedclair client`: joins a coordinator and trains until the trial is over. */
export async function host(options: HostOptions): Promise<void> {
  const at: { trial?: string; round?: number } = {};
  const log = createLog("client", () => at);
  const token = readToken(options.tokenFile);
  const tls = certificatesOf(options);
  const { protocol, hostname } = checkCoordinatorUrl(options.coordinator);
  if (protocol === "http:" && !isLoopback(hostname)) {
    log.warn("no TLS: who sees the network can read the token and every update");
  }
  const modules = resolveModules(options.plugins);
  const identified = modules.length === 0 ? undefined : await identifyPlugins(modules);
  const backends = hostBackends(options.backend);
  let runner: ClientRunner | WatchedRunner | undefined;
  const patience = new Patience((line) => {
    log.warn(line);
  });
  const ended = new EndedClients();
  let jobs = 0;
  const tensors = { first: 0, last: 0 };
  const ending = await connectHost({
    url: options.coordinator,
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
    capacity: options.capacity,
    backends,
    softwareVersion: version,
    plugins: identified?.plugins ?? [],
    signal: interruption.signal,
    onWelcome: async (trialJson, name) => {
      try {
        chooseBackend(backends.find((one) => one === name) ?? "auto");
      } catch (error) {
        toUserError(error); // it was announced, and cannot be loaded
      }
      log.info(`backend ${name}, as the coordinator says`);
      const trial = JSON.parse(trialJson) as Trial;
      at.trial = trial.name;
      const from = "the coordinator's trial";
      const events = clientEventLogger(log);
      const described = selectRunnerOptions(trial, from);
      if (listClientPlugins(trial).length > 0) {
        const { thread } = identified ?? {};
        const findEnded = (clientId: string) => ended.find(clientId);
        const watched = { modules, ...described, backend: name, thread, events, findEnded };
        runner = new WatchedRunner(watched);
      } else {
        const { content } = described;
        const prepared = prepareSentTrial(content, from, await loadForHost(content));
        runner = new ClientRunner(prepared, events);
      }
      patience.waitFor(`task ${trial.task.name}, preparing its data`);
      await runner.prepare();
      patience.stop();
    },
    jobsAtOnce: () => runner?.maxBatch ?? 1,
    callsAhead: () => runner?.ahead ?? 1,
    runJobs: async (group) => {
      const [first] = group;
      if (!runner || !first) throw new Error("a job came before the trial");
      at.round = first.round;
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
      log[level](`no coordinator at ${options.coordinator}: ${why}; still trying`);
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
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  log.info(
    `${ending.reason}: ${jobs} jobs, ${tensors.first} tensors after the first and ${tensors.last} after the last, peak memory ${peak} MiB`,
  );
  process.exitCode = ending.exitCode;
  // `fedclair run` restarts hosts that end without this message. Errors are ignored, because it may
  // have ended.
  if (!interruption.signal.aborted) process.send?.({ ended: ending.reason }, () => undefined);
}

function certificatesOf({ coordinator, tlsCa, tlsCert, tlsKey }: HostOptions) {
  const tls = readCertificates({
    ca: ["--tls-ca", tlsCa],
    cert: ["--tls-cert", tlsCert],
    key: ["--tls-key", tlsKey],
  });
  if (!tls || coordinator.startsWith("https:")) return tls;
  throw new UserError(
    `--tls-…: '${coordinator}' is an address without TLS: expected one that begins with https://`,
  );
}
