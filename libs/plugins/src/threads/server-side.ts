import {
  ArmFault,
  planRounds,
  serverCode,
  type ClientPool,
  type RoundPlan,
} from "@fedclair/core/internal";
import { toPostable } from "@fedclair/threads";
import { loadPlugins } from "../load-plugins.js";
import type { PluginModule } from "../resolve-module.js";
import type { PluginService, PostedFault, ServerSide, ThreadTrial } from "./plugin-objects.js";
import { prepareInThread } from "./prepare-in-thread.js";

const done = { isDone: true } as const;

/** Prepares to run the coordinator's plug-ins in this thread. */
export async function openServerSide(
  service: PluginService,
  modules: readonly PluginModule[],
  trial: ThreadTrial,
): Promise<ServerSide> {
  const plugins = loadPlugins(modules, trial.content);
  const prepared = await prepareInThread(trial, modules, plugins);
  const task = await prepared.loadTask();
  let stream: Awaited<ReturnType<typeof serverCode.openStream>> | undefined;

  const beginCode = (name: string) => {
    service.activity.begin({ call: 1, job: 0, jobs: 1, code: service.codeIndex(name) });
  };

  /** Plans a round of an arm, for the parts of it that run plug-ins. */
  function planServer(arm: number): RoundPlan {
    const chosen = prepared.arms[arm];
    if (!chosen) throw new Error(`a round of no arm: ${arm}`);
    const { signal } = new AbortController();
    return planRounds(prepared, chosen, { task, pool: noPool, signal, onCode: beginCode });
  }

  function readStream() {
    if (!stream) throw new Error("an update came before its stream");
    return stream;
  }

  return {
    isReady: () => true,

    startTask: async () => {
      beginCode(`start() of task '${prepared.trial.task.name}'`);
      const start = task.start({ clientIds: prepared.clientIds, rng: prepared.rng.at("init") });
      return toPostable(await start);
    },

    finishExternal: async (arm, honest, when, state) =>
      toPostable(await serverCode.finishExternal(planServer(arm), honest, when, state)),

    attackCohort: async (arm, honest, when, state) =>
      toPostable(await orFault(serverCode.attackCohort(planServer(arm), honest, when, state))),

    runStep: async (arm, state, arrived) => {
      const stepped = await orFault(serverCode.runStep(planServer(arm), state, arrived));
      if ("fault" in stepped) return stepped;
      const { updates, ...rest } = stepped;
      return toPostable(updates === arrived.updates ? rest : stepped);
    },

    openStream: async (arm, state, when) => {
      const opened = await orFault(serverCode.openStream(planServer(arm), state, when));
      if ("fault" in opened) return opened;
      stream = opened;
      return done;
    },

    addToStream: async (updates) =>
      await orFault(
        readStream()
          .add(updates)
          .then(() => done),
      ),

    finishStream: async () => await orFault(readStream().finish()),
  };
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
