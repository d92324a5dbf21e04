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
import type { PluginService, ServerReply, ThreadTrial } from "./thread-messages.js";
import { prepareInThread } from "./prepare-in-thread.js";

/** The coordinator's plug-ins of a trial in a thread. An arm is given by its index. */
export type ServerSide = Awaited<ReturnType<typeof openServerSide>>;

/** The arguments of a server method after the plan of the round. */
type Arguments<M extends keyof ServerCode> =
  Parameters<ServerCode[M]> extends [RoundPlan, ...infer Rest] ? Rest : never;

/** A step; without its updates if they are those that arrived. */
type PostedStep = Omit<Stepped, "updates"> & Partial<Pick<Stepped, "updates">>;

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

    startTask: () => {
      beginCode(`start() of task '${prepared.trial.task.name}'`);
      return reply(() =>
        task.start({ clientIds: prepared.clientIds, rng: prepared.rng.at("init") }),
      );
    },

    finishExternal: (arm: number, ...args: Arguments<"finishExternal">) =>
      reply(() => serverCode.finishExternal(planServer(arm), ...args)),

    attackCohort: (arm: number, ...args: Arguments<"attackCohort">) =>
      reply(() => serverCode.attackCohort(planServer(arm), ...args)),

    runStep: (arm: number, ...args: Arguments<"runStep">): Promise<ServerReply<PostedStep>> =>
      reply(async () => {
        const { updates, ...rest } = await serverCode.runStep(planServer(arm), ...args);
        const [, arrived] = args;
        return updates === arrived.updates ? rest : { ...rest, updates };
      }),

    /** Begins the stream of a round, which `addToStream` and `finishStream` then go on with. */
    openStream: (arm: number, ...args: Arguments<"openStream">) =>
      reply(async () => {
        stream = await serverCode.openStream(planServer(arm), ...args);
      }),

    addToStream: (updates: readonly Update[]) => reply(() => readStream().add(updates)),

    finishStream: () => reply(() => readStream().finish()),
  };
}

/** Plug-ins do not ask clients. */
const noPool = undefined as unknown as ClientPool;

/** Posts an error of a plug-in instead of throwing it, because posting loses its class. */
async function reply<T>(work: () => Promise<T>): Promise<ServerReply<T>> {
  try {
    return toPostable({ result: await work() });
  } catch (error) {
    if (!(error instanceof ArmFault)) throw error;
    const { cause } = error;
    return { fault: error.message, stack: cause instanceof Error ? cause.stack : undefined };
  }
}
