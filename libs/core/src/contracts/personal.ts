import type { Params } from "../tensors/tensor.js";
import type { Metrics } from "../tensors/update.js";
import type { Stream } from "@fedclair/linalg";

/**
 * A client-side method: how a client makes a model of its own from the shared params. The shared
 * part of each update is aggregated by the arm's aggregator, whichever it is, and attacks and mods
 * act on it as on any other update.
 *
 * A method keeps nothing between calls. What a client has to remember are its own params, which the
 * coordinator stores and passes in. They take part in nothing else: no aggregator sees them.
 * @example
 * import { combineParams, definePlugin } from "@fedclair/core";
 * import { z } from "zod";
 *
 * // Every client measures the mean of the shared params and of those that it keeps for itself.
 * export default definePlugin({
 *   kind: "personal",
 *   name: "half-own",
 *   summary: "The mean of the shared model and of one that never leaves the client.",
 *   schema: z.strictObject({}),
 *   create: () => ({
 *     start: (shared) => shared,
 *     train: async ({ shared, own, steps }) => ({
 *       change: combineParams([1, await steps(shared)], [-1, shared]),
 *       own: await steps(own),
 *     }),
 *     model: ({ shared, own }) => combineParams([0.5, shared], [0.5, own]),
 *   }),
 * });
 */
export interface PersonalMethod {
  /**
   * Makes the shared params a number of models, each with the same modules. They start apart by
   * normal noise of this standard deviation. An update changes one of them, and the aggregator runs
   * once for each model. Default: one model.
   */
  readonly models?: { readonly count: number; readonly spread: number };
  /**
   * Chooses the modules that clients send, at least one. Default: all.
   * @param modules the modules that training changes
   */
  sends?(modules: readonly string[]): readonly string[];
  /**
   * Returns the own params of a client that takes part for the first time. Their names and shapes
   * never change. Default: a client has none.
   * @param shared the modules that training changes
   */
  start?(shared: Params): Params;
  /** Trains for a round. */
  train(client: PersonalClient): Promise<PersonalResult>;
  /**
   * Returns the model that the client is measured by, with the modules of `shared`. Called after
   * the round, with the new shared params.
   */
  model(client: PersonalClient): Promise<Params> | Params;
}

/** What a personal method sees of one client, and what it can do with its data. */
export interface PersonalClient {
  /** The number of the round, starting at 1. */
  readonly round: number;
  /** The shared params: the modules that training changes. The first of `models`. */
  readonly shared: Params;
  /** All shared models; one, unless `PersonalMethod.models` asks for more. */
  readonly models: readonly Params[];
  /** The client's own params, as its last call of `train` or `start` returned them. */
  readonly own: Params;
  /** The client's own stream for this call. */
  readonly rng: Stream;
  /** The number of steps that the task takes in a round. */
  readonly count: number;
  /** The learning rate of the task. */
  readonly rate: number;
  /**
   * Takes gradient steps on the client's training data and returns the new params. A call goes on
   * with the batches where the last one stopped.
   */
  readonly steps: (params: Params, walk?: Walk) => Promise<Params>;
  /** Returns the mean loss of the params on the client's training data. */
  readonly loss: (params: Params) => Promise<number>;
}

/** How gradient steps are taken. */
export interface Walk {
  /** The number of steps. Default: as many as the task takes in a round. */
  readonly count?: number;
  /** The learning rate. Default: the task's. */
  readonly rate?: number;
  /** Adds weight/2·|params - towards.params|² to the loss. */
  readonly towards?: { readonly params: Params; readonly weight: number };
  /** The modules that change; the others stay. Default: all. */
  readonly only?: readonly string[];
}

/** What a client does in a round. */
export interface PersonalResult {
  /** The change of the modules that the client sends. Other modules are ignored. */
  readonly change: Params;
  /** The client's new own params. Default: those before. */
  readonly own?: Params;
  /** The index of the model that `change` belongs to. Default: 0. */
  readonly model?: number;
  readonly metrics?: Metrics;
}

/**
 * Gradient training of one client, which a task offers to personal methods. All params have exactly
 * the modules that training changes.
 */
export interface GradientTraining {
  /** The params of the job that training changes. */
  readonly params: Params;
  /** The number of the client's training examples, at least 1. */
  readonly numExamples: number;
  /** The number of steps that `train` takes. */
  readonly count: number;
  /** The learning rate of `train`. */
  readonly rate: number;
  /**
   * Takes plain gradient steps from `params` and returns the new params; it does not write into the
   * old ones. With `count` and `rate` of this object, the first call gives what `train` would.
   */
  steps(
    params: Params,
    walk: Walk & { readonly count: number; readonly rate: number },
  ): Promise<Params>;
  /** Returns the mean loss of the params on the training data. */
  loss(params: Params): Promise<number>;
}
