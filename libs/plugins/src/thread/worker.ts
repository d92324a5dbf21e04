// The script of a `PluginThread`.
import { parentPort, workerData } from "node:worker_threads";
import { chooseBackend, currentBackend, loadBackend, type BackendName } from "@fedclair/compute";
import { UserError, type Params } from "@fedclair/core";
import { errorLocation, errorMessage } from "@fedclair/core/errors";
import {
  ClientRunner,
  prepareSentTrial,
  type ClientJob,
  type PreparedTrial,
} from "@fedclair/core/internal";
import { loadForHost, loadPlugins } from "../host.js";
import { Activity, idle } from "./activity.js";
import type {
  PostedJob,
  ThreadCall,
  ThreadMessage,
  ThreadMethods,
  ThreadSetup,
} from "./messages.js";
import { SharedNumbers } from "./shared-numbers.js";
import { isTimeout } from "./timeout.js";
import { toPostable } from "./transfer.js";

/** The time between two signs that the event loop turns while clients train together, in ms. */
const pulseMs = 250;

/** Answers of small jobs wait this long for others, to be posted in one message, in ms. */
const collectMs = 10;

const setup = workerData as ThreadSetup;
const activity = new Activity(setup.activity);
const numbers = new SharedNumbers(setup.numbers);
const calls: ThreadCall[] = [];
let isServing = false;
let unposted: ThreadMessage[] = [];
let lastPost = 0;
let runner: ClientRunner | undefined;
let hasTimeout = false;
let lastBase: Params = new Map();
/** The call that is served. */
let current = { id: 0, jobs: [] as readonly PostedJob[] };

const methods: ThreadMethods = {
  identify: async () => {
    const { outside = [] } = await loadPlugins(setup.modules, undefined, () => loadForHost({}));
    return outside.map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
  },

  prepareClients: async ({ content, from, backend }, isAlone) => {
    const plugins = await loadPlugins(setup.modules, content, loadForHost);
    const prepared = prepareSentTrial(content, from, plugins);
    chooseBackend(backend as BackendName);
    if (isFromOutside(prepared)) await loadBackend();
    const code = listCode(prepared);
    let pulse: NodeJS.Timeout | undefined;
    runner = new ClientRunner(prepared, {
      onClientError: ({ clientId, round, kind }, error) => {
        report({ kind: "clientError", job: { clientId, round, kind }, what: describe(error) });
      },
      onBatchError: (task, error) => {
        report({ kind: "batchError", task, what: describe(error) });
      },
      onAttempt: (jobs) => {
        const job = current.jobs.findIndex(({ id }) => id === jobs[0]?.id);
        activity.begin({ call: current.id, job, jobs: jobs.length, plugin: 0 });
        clearInterval(pulse);
        if (jobs.length > 1) pulse = setInterval(() => activity.turn(), pulseMs);
      },
      onCode: (plugin) => {
        activity.enter(code.indexOf(plugin));
      },
    });
    await runner.prepare({ isAlone });
    return { maxBatch: runner.maxBatch, plugins: code };
  },

  runJobs: async (jobs, base, slot) => {
    if (!runner) throw new Error("a job came before the trial");
    if (base) lastBase = base;
    current = { ...current, jobs };
    const answers = await runner.runAll(jobs.map(toClientJob));
    hasTimeout = answers.some(isTimeout);
    const stored = slot === undefined ? answers : numbers.store(answers, slot);
    return { answers: stored, tensors: currentBackend()?.tf.memory().numTensors ?? 0 };
  },
};

/** Lists the plug-ins whose code clients run; the task first. */
function listCode({ trial }: PreparedTrial): string[] {
  return [
    `task '${trial.task.name}'`,
    ...trial.attacks.map(({ attack }) => `attack '${attack.name}'`),
    ...(trial.mods ?? []).map(({ name }) => `mod '${name}'`),
  ];
}

function isFromOutside({ taskPlugin, outside }: PreparedTrial): boolean {
  return outside.some(({ kind, name }) => kind === "task" && name === taskPlugin.name);
}

function toClientJob({ params, ...job }: PostedJob): ClientJob {
  const base = params.base === "last" ? lastBase : params.base;
  return { ...job, params: { base, rounds: params.rounds } };
}

/** Describes an error with its location, which no message to the coordinator contains. */
function describe(error: unknown): string {
  return `${errorMessage(error)}${errorLocation(error)}`;
}

async function serveAll(): Promise<void> {
  isServing = true;
  for (let call = calls.shift(); call; call = calls.shift()) {
    current = { id: call.id, jobs: [] };
    unposted.push(await serve(call));
    activity.begin(idle);
    if (calls.length === 0 || hasTimeout || performance.now() - lastPost > collectMs) post();
    // The main thread now replaces this one: code of the client may still run.
    if (hasTimeout) return;
  }
  isServing = false;
}

async function serve({ id, method, args }: ThreadCall): Promise<ThreadMessage> {
  try {
    const call = methods[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { kind: "result", id, result: toPostable(await call(...args)) };
  } catch (error) {
    return {
      kind: "error",
      id,
      message: error instanceof Error ? error.message : errorMessage(error),
      ...(error instanceof UserError && { exitCode: error.exitCode }),
      stack: error instanceof Error ? error.stack : undefined,
    };
  }
}

function report(message: ThreadMessage): void {
  unposted.push(message);
  post();
}

function post(): void {
  parentPort?.postMessage(unposted);
  unposted = [];
  lastPost = performance.now();
}

parentPort?.on("message", (posted: readonly ThreadCall[]) => {
  calls.push(...posted);
  if (!isServing) void serveAll();
});
