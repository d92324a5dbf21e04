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
import type {
  PostedJob,
  ThreadCall,
  ThreadEvent,
  ThreadMethods,
  ThreadReply,
  ThreadSetup,
} from "./messages.js";
import { toPostable } from "./transfer.js";

/** The time between two signs that the event loop turns, in ms. */
const pulseMs = 500;

const { modules } = workerData as ThreadSetup;
let runner: ClientRunner | undefined;
let lastBase: Params = new Map();
let pulse: NodeJS.Timeout | undefined;
/** The plug-in whose code runs, as the main thread knows it: the task when an attempt begins. */
let running = "";

const methods: ThreadMethods = {
  identify: async () => {
    const { outside = [] } = await loadPlugins(modules, undefined, () => loadForHost({}));
    return outside.map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
  },

  prepareClients: async ({ content, from, backend }, isAlone) => {
    const plugins = await loadPlugins(modules, content, loadForHost);
    const prepared = prepareSentTrial(content, from, plugins);
    chooseBackend(backend as BackendName);
    if (isFromOutside(prepared)) await loadBackend();
    const task = `task '${prepared.trial.task.name}'`;
    runner = new ClientRunner(prepared, {
      onClientError: ({ id }, error) => {
        post({ kind: "clientError", job: id, what: describe(error) });
      },
      onBatchError: (task, error) => {
        post({ kind: "batchError", task, what: describe(error) });
      },
      onAttempt: (jobs) => {
        running = task;
        post({ kind: "attempt", jobs: jobs.map(({ id }) => id) });
        clearInterval(pulse);
        if (jobs.length > 1) pulse = setInterval(() => post({ kind: "alive" }), pulseMs);
      },
      onCode: (plugin) => {
        if (plugin === running) return;
        running = plugin;
        post({ kind: "code", plugin });
      },
    });
    await runner.prepare({ isAlone });
    return runner.maxBatch;
  },

  runJobs: async (jobs, base) => {
    if (!runner) throw new Error("a job came before the trial");
    if (base) lastBase = base;
    const answers = await runner.runAll(jobs.map(toClientJob));
    clearInterval(pulse);
    return { answers, tensors: currentBackend()?.tf.memory().numTensors ?? 0 };
  },
};

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

function post(message: ThreadEvent | ThreadReply): void {
  parentPort?.postMessage(message);
}

async function serve({ method, args }: ThreadCall): Promise<void> {
  try {
    const call = methods[method] as (...args: readonly unknown[]) => Promise<unknown>;
    post({ kind: "result", result: toPostable(await call(...args)) });
  } catch (error) {
    clearInterval(pulse);
    post({
      kind: "error",
      message: error instanceof Error ? error.message : errorMessage(error),
      ...(error instanceof UserError && { exitCode: error.exitCode }),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
}

parentPort?.on("message", (call: ThreadCall) => {
  void serve(call);
});
