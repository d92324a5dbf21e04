import { ClientRunner } from "../src/client/client-runner.js";
import { clientIds } from "../src/contracts/clients.js";
import type { Plugins } from "../src/contracts/plugin.js";
import type { ClientPool } from "../src/contracts/pool.js";
import { MemoryPool } from "../src/client/memory-pool.js";
import { modsOf } from "../src/trial/mods.js";
import { runRounds, type RoundDone } from "../src/loop/round.js";
import { Devices } from "../src/trial/devices.js";
import type { Trace } from "../src/trial/trace.js";
import { startTrial, type TrialState } from "../src/loop/trial-state.js";
import { createPlugin, type Trial } from "../src/trial/trial.js";
import { stream } from "@fedclair/linalg";

export interface Played {
  readonly rounds: readonly RoundDone[];
  readonly state: TrialState;
}

interface Settings {
  /** Default: one host in this process. */
  readonly pool?: ClientPool;
  /** Default: the start. */
  readonly from?: TrialState;
  readonly benignOnly?: boolean;
  /** What the trial's `devices.trace` names. */
  readonly trace?: Trace;
}

/** Runs the method under study by a new task and a new aggregator. @throws what `runRounds` throws */
export async function play(
  trial: Trial,
  plugins: Plugins,
  { pool, from, benignOnly = false, trace }: Settings = {},
): Promise<Played> {
  const task = createPlugin(plugins.tasks, trial.task);
  await task.prepare?.();
  const rng = stream(trial.seed);
  const plan = {
    ...{ trial, task, rng, benignOnly, clientIds: clientIds(trial.clients) },
    pool: pool ?? (await oneHost(trial, plugins)),
    contamination: new ClientRunner(trial, plugins).contamination,
    aggregator: createPlugin(plugins.aggregators, trial.aggregator),
    mods: modsOf(trial, plugins),
    signal: new AbortController().signal,
    devices: trial.devices && new Devices(trial.devices, clientIds(trial.clients), rng, trace),
  };
  const rounds: RoundDone[] = [];
  let state = from ?? (await startTrial(task, plan.clientIds, rng));
  for await (const event of runRounds(plan, state)) {
    if (event.kind !== "round") continue;
    rounds.push(event);
    state = event.state;
  }
  return { rounds, state };
}

/** A host that does all jobs in their order. */
export async function oneHost(trial: Trial, plugins: Plugins): Promise<ClientPool> {
  const pool = new MemoryPool(new ClientRunner(trial, plugins));
  await pool.ready();
  return pool;
}
