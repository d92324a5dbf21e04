import type { Start } from "@fedclair/core";
import { UserError } from "@fedclair/core";
import {
  ArmFault,
  failure,
  needsFinish,
  serverCode,
  type Collected,
  type PluginKind,
  type PreparedTrial,
  type RoundPlan,
  type ServerCode,
  type WatchedServer,
} from "@fedclair/core/internal";
import { Overdue, ThreadEnded, toPostable, type Hosted } from "@fedclair/threads";
import type { PluginModule } from "../resolve-module.js";
import { describeFault, nameCode, startPluginThread, type PluginThread } from "./plugin-thread.js";
import type { ServerReply } from "./thread-messages.js";
import type { ServerSide } from "./server-side.js";

/** The coordinator's code in a thread. */
interface ThreadServerOptions {
  readonly modules: readonly PluginModule[];
  readonly prepared: PreparedTrial;
  readonly backend: string;
}

/**
 * Runs aggregators, steps, attacks and mods from outside in a thread, and ends the thread if one of
 * them does not return within `limits.serverSeconds`. Its arm then ends, and the next one has a new
 * thread. Rounds without code from outside run in the main thread.
 */
export class ThreadServer implements WatchedServer {
  readonly #options: ThreadServerOptions;
  #thread: PluginThread | undefined;
  #server: Hosted<ServerSide> | undefined;

  constructor(options: ThreadServerOptions) {
    this.#options = options;
  }

  /** Ends the thread after the start, as most trials with an outside task need it only then. */
  get start(): (() => Promise<Start>) | undefined {
    const { taskPlugin } = this.#options.prepared;
    if (!this.#isOutside("task", taskPlugin.name)) return undefined;
    return async () => {
      try {
        return await this.#call((server) => server.ask("startTask"));
      } catch (error) {
        // There is no arm yet that could end.
        throw error instanceof ArmFault ? new UserError(error.message) : error;
      } finally {
        await this.close();
      }
    };
  }

  codeOf(arm: number): ServerCode {
    return {
      finishExternal: async (plan, honest, { round, phase }, state) => {
        const when = { round, phase };
        if (!this.#finishes()) return await serverCode.finishExternal(plan, honest, when, state);
        const { params, ask } = state;
        const args = toPostable([arm, honest, when, { params, ask }] as const);
        try {
          return await this.#call((server) => server.ask("finishExternal", ...args), plan.signal);
        } catch (error) {
          if (!(error instanceof ArmFault)) throw error;
          return failExternal(plan, honest, error.message);
        }
      },
      attackCohort: async (plan, honest, when, state) => {
        if (!this.#attacks()) return await serverCode.attackCohort(plan, honest, when, state);
        const { params, ask, attacks } = state;
        const args = toPostable([arm, honest, when, { params, ask, attacks }] as const);
        return await this.#call((server) => server.ask("attackCohort", ...args), plan.signal);
      },
      runStep: async (plan, state, arrived) => {
        if (!this.#steps(plan)) return await serverCode.runStep(plan, state, arrived);
        const { params, ask, task, aggregator, mods } = state;
        const before = { params, ask, task, aggregator, mods };
        const args = toPostable([arm, before, arrived] as const);
        const stepped = await this.#call((server) => server.ask("runStep", ...args), plan.signal);
        return { ...stepped, updates: stepped.updates ?? arrived.updates };
      },
      openStream: async (plan, state, when) => {
        if (!this.#steps(plan)) return await serverCode.openStream(plan, state, when);
        const { aggregator, mods } = state;
        const args = toPostable([arm, { aggregator, mods }, when] as const);
        await this.#call((server) => server.ask("openStream", ...args), plan.signal);
        return {
          add: async (updates) => {
            const posted = toPostable(updates);
            await this.#call((server) => server.ask("addToStream", posted), plan.signal);
          },
          finish: () => this.#call((server) => server.ask("finishStream"), plan.signal),
        };
      },
    };
  }

  get isRunning(): boolean {
    return this.#thread?.isAlive ?? false;
  }

  async close(): Promise<void> {
    await this.#thread?.end();
  }

  /** Whether code from outside changes the updates of external clients. */
  #finishes(): boolean {
    const { mods } = this.#options.prepared;
    return (
      this.#hasAttack("corruptUpdate") ||
      mods.some(({ name, mod }) => mod.client && this.#isOutside("mod", name))
    );
  }

  /** Whether code from outside may run before the updates are aggregated. */
  #attacks(): boolean {
    const { mods } = this.#options.prepared;
    return (
      this.#hasAttack("attackRound") ||
      mods.some(({ name, mod }) => mod.isFormat && this.#isOutside("mod", name))
    );
  }

  #hasAttack(method: "corruptUpdate" | "attackRound"): boolean {
    const { attacks, trial } = this.#options.prepared;
    return attacks.some(
      (attack, i) => attack[method] && this.#isOutside("attack", trial.attacks[i]?.attack.name),
    );
  }

  /** Whether code from outside runs in the step of an arm. */
  #steps({ task, aggregatorName }: RoundPlan): boolean {
    const { mods, taskPlugin } = this.#options.prepared;
    return (
      this.#isOutside("aggregator", aggregatorName) ||
      (task.step !== undefined && this.#isOutside("task", taskPlugin.name)) ||
      mods.some(({ name, mod }) => mod.server && this.#isOutside("mod", name))
    );
  }

  #isOutside(kind: PluginKind, name: string | undefined): boolean {
    const { outside } = this.#options.prepared;
    return outside.some((plugin) => plugin.kind === kind && plugin.name === name);
  }

  /** @throws ArmFault if a plug-in fails, does not return, or ends its thread */
  async #call<T>(
    call: (server: Hosted<ServerSide>) => Promise<ServerReply<T>>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { serverSeconds } = this.#options.prepared.trial.limits;
    const stop = () => void this.#thread?.end(signal?.reason as Error);
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      const reply = await call(await this.#open());
      if ("result" in reply) return reply.result;
      const { fault, stack } = reply;
      throw new ArmFault(fault, stack && Object.assign(new Error(), { stack }));
    } catch (error) {
      if (error instanceof ThreadEnded) throw new ArmFault(error.message, error);
      const isKnown = error instanceof ArmFault || error instanceof UserError;
      if (isKnown || signal?.aborted === true) throw error;
      if (!(error instanceof Overdue)) {
        const fault = describeFault(error);
        await this.#thread?.end(fault);
        throw new ArmFault(fault.message, fault);
      }
      const why = `${nameCode(this.#thread)} did not return within ${serverSeconds} s (limits.serverSeconds)`;
      throw new ArmFault(why, undefined);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async #open(): Promise<Hosted<ServerSide>> {
    const { modules, backend, prepared } = this.#options;
    if (this.#server && this.#thread?.isAlive === true) return this.#server;
    const thread = (this.#thread = startPluginThread(endProcess));
    const { trial: content } = prepared;
    const trial = { content, from: "the trial", backend };
    const server = (this.#server = thread.host("server", modules, trial));
    await server.ask("isReady");
    thread.limitTime(() => content.limits.serverSeconds);
    return server;
  }
}

/** Fails the external clients whose updates code that does not return would have changed. */
function failExternal(plan: RoundPlan, { updates, failures }: Collected, why: string): Collected {
  const changed = updates.filter(({ clientId }) => needsFinish(plan, clientId));
  const hung = changed.map(({ clientId }) => [clientId, failure("CLIENT_HUNG", why)] as const);
  return {
    updates: updates.filter((update) => !changed.includes(update)),
    failures: new Map([...failures, ...hung]),
  };
}

/** An error that nothing caught ends the process, as it would in the main thread. */
function endProcess(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}
