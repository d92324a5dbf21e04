// The script of a `PluginThread`.
import { parentPort, workerData } from "node:worker_threads";
import { chooseBackend, currentBackend, loadBackend, type BackendName } from "@fedclair/compute";
import { UserError, type Params, type Plugins, type Start, type Task } from "@fedclair/core";
import { errorLocation, errorMessage } from "@fedclair/core/errors";
import {
  ArmFault,
  ClientRunner,
  planRounds,
  prepareSentTrial,
  serverCode,
  type ClientJob,
  type ClientPool,
  type PreparedTrial,
  type RoundPlan,
} from "@fedclair/core/internal";
import { loadForHost, loadPlugins } from "../host.js";
import { readCode } from "../module-code.js";
import { Activity, idle } from "./activity.js";
import type {
  PostedFault,
  PostedJob,
  ThreadCall,
  ThreadMessage,
  ThreadMethods,
  ThreadSetup,
  ThreadTrial,
} from "./messages.js";
import { NumberPages } from "./shared-numbers.js";
import { isTimeout } from "./timeout.js";
import { toPostable } from "./transfer.js";

/** The time between two signs that the event loop turns while clients train together, in ms. */
const pulseMs = 250;

/** Answers of small jobs wait this long for others, to be posted in one message, in ms. */
const collectMs = 10;

const { finishExternal, attackCohort, runStep, openStream } = serverCode;
const setup = workerData as ThreadSetup;
const activity = new Activity(setup.activity);
const pages = new NumberPages();
const calls: ThreadCall[] = [];
let isServing = false;
const codes: string[] = [];
let unposted: ThreadMessage[] = [];
let lastPost = 0;
let runner: ClientRunner | undefined;
let hasTimeout = false;
let lastBase: Params = new Map();
/** The call that is served. */
let current = { id: 0, jobs: [] as readonly PostedJob[] };

/** Loads no built-in plug-ins: their names are known without them. */
const noBuiltIn = () =>
  Promise.resolve({ tasks: new Map(), aggregators: new Map(), attacks: new Map() });

const methods: ThreadMethods = {
  identify: async () => {
    const { outside = [] } = await loadPlugins(setup.modules, undefined, noBuiltIn);
    return outside.map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
  },

  prepareClients: async (trial, isAlone) => {
    const prepared = await prepare(trial, loadPlugins(setup.modules, trial.content, loadForHost));
    let pulse: NodeJS.Timeout | undefined;
    runner = new ClientRunner(prepared, {
      onClientError: ({ clientId, round, kind }, error) => {
        report({ kind: "clientError", job: { clientId, round, kind }, what: describe(error) });
      },
      onBatchError: (task, error) => {
        report({ kind: "batchError", task, what: describe(error) });
      },
      onTimeout: ({ clientId, round, kind }, what) => {
        report({ kind: "timeout", job: { clientId, round, kind }, what });
      },
      onAttempt: (jobs) => {
        const job = current.jobs.findIndex(({ id }) => id === jobs[0]?.id);
        activity.begin({ call: current.id, job, jobs: jobs.length, code: -1 });
        clearInterval(pulse);
        if (jobs.length > 1) {
          pulse = setInterval(() => {
            activity.turn();
          }, pulseMs);
        }
      },
      onCode: (name) => {
        activity.enter(codeIndex(name));
      },
    });
    await runner.prepare({ isAlone });
    return runner.maxBatch;
  },

  runJobs: async (jobs, base) => {
    if (!runner) throw new Error("a job came before the trial");
    if (base) lastBase = base;
    current = { ...current, jobs };
    const answers = await runner.runAll(jobs.map(toClientJob));
    hasTimeout = answers.some(isTimeout);
    return {
      answers: pages.store(answers),
      tensors: currentBackend()?.tf.memory().numTensors ?? 0,
    };
  },

  prepareServer: async (trial) => {
    const prepared = await prepare(trial, loadPlugins(setup.modules, trial.content));
    server = { prepared, task: await prepared.loadTask() };
  },

  startTask: async () => {
    if (!server) throw new Error("the task's start is called before it is prepared");
    const { prepared, task } = server;
    const code = codeIndex(`start() of task '${prepared.trial.task.name}'`);
    activity.begin({ call: current.id, job: 0, jobs: 1, code });
    const start = task.start({ clientIds: prepared.clientIds, rng: prepared.rng.at("init") });
    return toPostable(await start) as Start;
  },

  finishExternal: async (arm, honest, when, state) =>
    toPostable(await finishExternal(planServer(arm), honest, when, state)) as typeof honest,

  attackCohort: async (arm, honest, when, state) => {
    const attacked = await orFault(attackCohort(planServer(arm), honest, when, state));
    return toPostable(attacked) as typeof attacked;
  },

  runStep: async (arm, state, arrived) => {
    const stepped = await orFault(runStep(planServer(arm), state, arrived));
    if ("fault" in stepped) return stepped;
    const { updates, ...rest } = stepped;
    return toPostable(updates === arrived.updates ? rest : stepped) as typeof stepped;
  },

  openStream: async (arm, state, when) =>
    await orFault(
      openStream(planServer(arm), state, when).then((opened) => {
        stream = opened;
        return done;
      }),
    ),

  addToStream: async (updates) =>
    await orFault(
      readStream()
        .add(updates)
        .then(() => done),
    ),

  finishStream: async () => await orFault(readStream().finish()),
};

const done = { isDone: true } as const;
let stream: Awaited<ReturnType<typeof openStream>> | undefined;

function readStream() {
  if (!stream) throw new Error("an update came before its stream");
  return stream;
}

let server: { readonly prepared: PreparedTrial; readonly task: Task } | undefined;

/** Plans a round of an arm, for the parts of it that run plug-ins. */
function planServer(arm: number): RoundPlan {
  const chosen = server?.prepared.arms[arm];
  if (!server || !chosen) throw new Error(`a round came before the trial, or of no arm: ${arm}`);
  const { prepared, task } = server;
  return planRounds(prepared, chosen, {
    task,
    pool: noPool,
    signal: new AbortController().signal,
    onCode: (name) => {
      activity.begin({ call: current.id, job: 0, jobs: 1, code: codeIndex(name) });
    },
  });
}

/** Plug-ins do not ask clients. */
const noPool = undefined as unknown as ClientPool;

/** Returns an error of a plug-in instead of throwing it, because posting loses its class. */
async function orFault<T>(work: Promise<T>): Promise<T | PostedFault> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ArmFault)) throw error;
    const { cause } = error;
    return { fault: error.message, stack: cause instanceof Error ? cause.stack : undefined };
  }
}

/** Finds the index of a name of code for `Doing.code`, and posts the name if it is new. */
function codeIndex(name: string): number {
  const index = codes.indexOf(name);
  if (index >= 0) return index;
  report({ kind: "code", name });
  return codes.push(name) - 1;
}

/** Prepares a trial, with the backend that its plug-ins may need. */
async function prepare(
  { content, from, backend }: ThreadTrial,
  plugins: Promise<Plugins>,
): Promise<PreparedTrial> {
  const prepared = prepareSentTrial(content, from, await plugins);
  chooseBackend(backend as BackendName);
  if (await importsTensorFlow()) await loadBackend();
  return prepared;
}

/**
 * Whether a module of plug-ins, or a package that it has imported, uses TensorFlow.js. Loading its
 * backend takes as long as loading everything else.
 */
async function importsTensorFlow(): Promise<boolean> {
  if ("_tfengine" in globalThis) return true; // TensorFlow.js sets it in every copy
  const code = await Promise.all(setup.modules.map(({ file }) => readCode(file)));
  return code.some(({ packages }) =>
    [...packages.keys()].some((name) => name.startsWith("@tensorflow/")),
  );
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
    const reply = await serve(call);
    unposted.push(reply);
    activity.begin(idle);
    if (calls.length === 0 || hasTimeout || performance.now() - lastPost > collectMs) post();
    // The main thread now replaces this one: code of the client may still run.
    if (hasTimeout) return;
  }
  isServing = false;
}

async function serve({ id, method, args }: ThreadCall): Promise<ThreadMessage> {
  try {
    const callable = methods as unknown as Readonly<
      Record<string, (...args: readonly unknown[]) => Promise<unknown>>
    >;
    return { kind: "result", id, result: await callable[method]?.(...args) };
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
