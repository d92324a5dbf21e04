import type { Update } from "@fedclair/core";
import {
  ArmFault,
  planRounds,
  serverCode,
  type ClientPool,
  type RoundPlan,
  type ServerCode,
  type Stepped,
} from "@fedclair/core/internal";
import { toPostable } from "@fedclair/threads";
import { loadPlugins } from "../load-plugins.js";
import type { PluginModule } from "../resolve-module.js";
import type { PluginService, PostedFault, ThreadTrial } from "./thread-messages.js";
import { prepareInThread } from "./prepare-in-thread.js";

/** The coordinator's plug-ins of a trial in a thread. An arm is given by its index. */
export type ServerSide = Awaited<ReturnType<typeof openServerSide>>;

/** The arguments of a server method after the plan of the round. */
type Arguments<M extends keyof ServerCode> =
  Parameters<ServerCode[M]> extends [RoundPlan, ...infer Rest] ? Rest : never;

/** A step; without its updates if they are those that arrived. */
type Posted = PostedFault | (Omit<Stepped, "updates"> & Partial<Pick<Stepped, "updates">>);

/** The reply of a method without a result. */
const done = { isDone: true } as const;

/** Prepares to run the coordinator's plug-ins in this thread. */
export async function openServerSide(
  service: PluginService,
  modules: readonly PluginModule[],
  trial: ThreadTrial,
) {
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

    finishExternal: async (arm: number, ...args: Arguments<"finishExternal">) =>
      toPostable(await serverCode.finishExternal(planServer(arm), ...args)),

    attackCohort: async (arm: number, ...args: Arguments<"attackCohort">) =>
      toPostable(await orFault(serverCode.attackCohort(planServer(arm), ...args))),

    runStep: async (arm: number, ...args: Arguments<"runStep">): Promise<Posted> => {
      const stepped = await orFault(serverCode.runStep(planServer(arm), ...args));
      if ("fault" in stepped) return stepped;
      const { updates, ...rest } = stepped;
      const [, arrived] = args;
      return toPostable(updates === arrived.updates ? rest : stepped);
    },

    /** Begins the stream of a round, which `addToStream` and `finishStream` then go on with. */
    openStream: async (arm: number, ...args: Arguments<"openStream">) => {
      const opened = await orFault(serverCode.openStream(planServer(arm), ...args));
      if ("fault" in opened) return opened;
      stream = opened;
      return done;
    },

    addToStream: async (updates: readonly Update[]) =>
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
