import { ClientRunner } from "../src/client/client-runner.js";
import { MemoryPool } from "../src/client/memory-pool.js";
import type { Plugins } from "../src/contracts/plugin.js";
import type { ClientPool } from "../src/contracts/pool.js";
import { planRounds } from "../src/loop/round-plan.js";
import { runRounds, type RoundDone } from "../src/loop/round.js";
import { surveyClients } from "../src/loop/survey-clients.js";
import { startTrial, type TrialState } from "../src/loop/trial-state.js";
import type { Shapes } from "../src/tensors/admission.js";
import { prepareResolvedTrial } from "../src/trial/prepare-trial.js";
import type { PreparedTrial } from "../src/trial/prepared-trial.js";
import type { Trace } from "../src/trial/trace.js";
import type { Trial } from "../src/trial/trial.js";

/** The rounds of a played trial, and its last state. */
export interface Played {
  readonly rounds: readonly RoundDone[];
  readonly state: TrialState;
}

interface Settings {
  /** The pool of clients. Default: one host in this process. */
  readonly pool?: ClientPool;
  /** The state to resume from. Default: the start. */
  readonly from?: TrialState;
  readonly benignOnly?: boolean;
  /** The content of the trial's `devices.trace`. */
  readonly trace?: Trace;
}

/** Runs the main arm of a trial. @throws what `prepareResolvedTrial` and `runRounds` throw */
export async function play(
  trial: Trial,
  plugins: Plugins,
  { pool, from, benignOnly = false, trace }: Settings = {},
): Promise<Played> {
  const prepared = prepare(trial, plugins, trace);
  const task = await prepared.loadTask();
  const run = {
    task,
    pool: pool ?? (await memoryPool(prepared)),
    signal: new AbortController().signal,
  };
  const plan = planRounds(prepared, { ...prepared.arms[0], benignOnly }, run);
  const rounds: RoundDone[] = [];
  const survey = (expects: Shapes) =>
    surveyClients({ ...plan, ...run }, prepared.clientIds, expects);
  let state = from ?? (await startTrial(task, plan.clientIds, plan.rng, { survey }));
  for await (const event of runRounds(plan, state)) {
    if (event.kind !== "round") continue;
    rounds.push(event);
    state = event.state;
  }
  return { rounds, state };
}

/** Prepares a trial that does not come from a file. */
export function prepare(trial: Trial, plugins: Plugins, trace?: Trace): PreparedTrial {
  return prepareResolvedTrial(trial, plugins, "trial.yaml", trace);
}

/** Creates a pool of one host, which runs all jobs in order. */
export async function oneHost(trial: Trial, plugins: Plugins): Promise<ClientPool> {
  return await memoryPool(prepare(trial, plugins));
}

/** Runs each job in a new host, the last job first, so that nothing can be kept between jobs. */
export function manyHosts(trial: Trial, plugins: Plugins): ClientPool {
  return {
    ready: () => Promise.resolve(),
    close: () => Promise.resolve(),
    async *ask(jobs, admit, signal) {
      for (const job of jobs.toReversed())
        yield* (await oneHost(trial, plugins)).ask([job], admit, signal);
    },
  };
}

async function memoryPool(prepared: PreparedTrial): Promise<ClientPool> {
  const pool = new MemoryPool(new ClientRunner(prepared));
  await pool.ready();
  return pool;
}
