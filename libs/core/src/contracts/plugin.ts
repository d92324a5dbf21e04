import type { Aggregator } from "./aggregator.js";
import type { Attack } from "./attack.js";
import type { TaskFigures } from "./figure.js";
import type { Mod } from "./mod.js";
import type { PersonalMethod } from "./personal.js";
import type { LocatedPlugin } from "./plugin-identity.js";
import type { Task } from "./task.js";
import type { ZodObject } from "zod";

/**
 * Something that a trial file can name: a task, an aggregator, an attack, a mod or a personal
 * method.
 *
 * A plug-in does not keep state between rounds. The round loop passes the state in and takes the
 * next one back, so that a trial can be stopped, stored and resumed after any round. State must
 * survive `v8.serialize`: JSON values, typed arrays, and maps and arrays of such values.
 * @typeParam T the object that `create` returns
 */
export interface Plugin<T> {
  readonly name: string;
  /** One sentence for `fedclair plugins`. */
  readonly summary: string;
  /**
   * The schema of the options next to `name` in the trial file: a strict zod object in which every
   * key has a description.
   */
  readonly schema: ZodObject;
  /** @param options the output of `schema` */
  create(options: never): T;
}

/**
 * A task that a trial file can name. Everything that is known about the task before its data are
 * read is a member of the plug-in and is checked before anything starts; `create` reads the data.
 * @example
 * import { definePlugin } from "@fedclair/core";
 * import { z } from "zod";
 *
 * // Every client holds one number; together they learn the mean.
 * export default definePlugin({
 *   kind: "task",
 *   name: "mean",
 *   summary: "Clients estimate the mean of their numbers.",
 *   schema: z.strictObject({ spread: z.number().default(1).describe("Standard deviation.") }),
 *   metrics: { error: { better: "lower", description: "distance from the client's number" } },
 *   create: ({ spread }) => ({
 *     start: async () => ({
 *       params: new Map([["mean", { shape: [1], data: new Float64Array(1) }]]),
 *     }),
 *     openShard: async ({ rng }) => {
 *       const own = spread * rng.normal();
 *       const distance = (params) => own - params.get("mean").data[0];
 *       return {
 *         train: async ({ params }) => ({
 *           numExamples: 1,
 *           delta: new Map([["mean", { shape: [1], data: Float64Array.of(distance(params)) }]]),
 *           metrics: {},
 *         }),
 *         evaluate: async (params) => ({
 *           numExamples: 1,
 *           delta: new Map(),
 *           metrics: { error: Math.abs(distance(params)) },
 *         }),
 *       };
 *     },
 *   }),
 * });
 */
export interface TaskPlugin extends Plugin<Task | Promise<Task>> {
  /**
   * Reads what the task needs (data, a backend, a pre-trained model) and returns the task. Called
   * once per process and trial; all arms of the trial share the task.
   * @param options the output of `schema`
   */
  create(options: never): Task | Promise<Task>;
  /**
   * Do hosts outside of fedclair run the clients, so that only they know the model and the data?
   * Attacks that act at clients are then rejected, and `ClientRunner` has nothing to run.
   */
  readonly isExternal?: boolean;
  /**
   * Must all clients start a round from the same params? Personal-only aggregators are then
   * rejected.
   */
  sharesParams?(options: never): boolean;
  /**
   * May an aggregation mix updates that started from params of different rounds? Default: no. The
   * buffered schedule is then rejected.
   */
  acceptsStale?(options: never): boolean;
  /**
   * Do its trainers take gradient steps, and correct them by `TrainJob.control`? Default: no. Arms
   * with `scaffold: true` are then rejected.
   */
  acceptsControl?(options: never): boolean;
  /**
   * Says why its clients take no single gradient steps with these options, and what to change;
   * undefined if its trainers have `LocalTrainer.open`. Default: they take none. Arms with a
   * personal method are then rejected.
   */
  refusesSteps?(options: never): string | undefined;
  /**
   * Throws an error that says what to change if the options rule out this many clients. A check
   * that needs the data belongs in `Task.checkClients`.
   */
  checkClients?(clients: number, options: never): void;
  /**
   * Returns a sentence about what may surprise the user, printed when a trial starts. A sentence
   * that needs the data belongs in `Task.notice`.
   */
  notice?(clients: number, options: never): string | undefined;
  /**
   * What every client sends before round 1, as `the mean of every column`. Neither mods nor attacks
   * act on it, which a notice says in trials with mods such as differential privacy.
   */
  readonly survey?: string;
  /** May the task have `clientLabel`? Reports then load it, to show the names. Default: yes. */
  namesClients?(options: never): boolean;
  /**
   * Does `openShard` apply `Shard.holdBack`, and do trainers have `measureHeldBack`? If not, trials
   * that hold back data are rejected.
   */
  readonly holdsBack?: boolean;
  /** Does `openShard` apply `corruptLabels`? If not, attacks on labels are rejected. */
  hasLabels?(options: never): boolean;
  /**
   * Returns the kinds of `Shard.contamination` that `openShard` applies, with the schemas of their
   * options. Others are rejected.
   */
  contaminations?(options: never): ReadonlyMap<string, ZodObject>;
  /**
   * Returns the TensorFlow.js backend that trains faster with these options (docs/backends.md).
   * Default: wasm.
   */
  backend?(options: never): "tensorflow" | "wasm";
  /**
   * Options that are paths, like `source.folder`. Relative paths start from the trial file's
   * folder.
   */
  readonly paths?: readonly string[];
  /**
   * Aggregators that only work with updates of this task. Trials of other tasks cannot use them.
   */
  readonly aggregators?: readonly AggregatorPlugin[];
  /** The metrics that clients and coordinator measure, by name. */
  readonly metrics?: Readonly<Record<string, MetricInfo>>;
  /** The name in `metrics` by which arms are compared first. */
  readonly primary?: string;
  /** Replaces `metrics` and `primary` where the trial file lists the metrics. */
  measures?(options: never): Measures;
  /** Figures of the report, drawn from the artifacts of the task's steps and its options. */
  readonly figures?: TaskFigures;
}

/** The metrics of a task, and the primary one, by which arms are compared first. */
export type Measures = Pick<TaskPlugin, "metrics" | "primary">;

export interface MetricInfo {
  readonly better?: "higher" | "lower";
  readonly unit?: string;
  readonly description: string;
  /**
   * The name of the metric that measures the same on data common to all clients. Where personal
   * models are compared with a shared one, both metrics are shown: a personal model may be good on
   * its client's own data only.
   */
  readonly onSharedData?: string;
}

/**
 * An aggregator that a trial file can name.
 * @example
 * import { definePlugin, scaleDelta } from "@fedclair/core";
 * import { z } from "zod";
 *
 * // The plain mean, which ignores the number of examples.
 * export default definePlugin({
 *   kind: "aggregator",
 *   name: "plain-mean",
 *   summary: "The mean of all updates, each with the same weight.",
 *   schema: z.strictObject({}),
 *   create: () => ({
 *     aggregate: async ({ updates }) => ({
 *       change: updates.map(({ delta }) => scaleDelta(delta, 1 / updates.length)),
 *     }),
 *   }),
 * });
 */
export interface AggregatorPlugin extends Plugin<Aggregator> {
  /**
   * Does it only change personal params? It is rejected for tasks whose clients must share params.
   */
  readonly personalOnly?: boolean;
  /**
   * May the updates have started from params of different rounds? Default: no. The buffered
   * schedule is then rejected.
   */
  readonly acceptsStale?: boolean;
}

export type Registry<P extends Plugin<unknown>> = ReadonlyMap<string, P>;

/** Functions that import plug-ins, by the plug-ins' names. */
export type Loaders<P extends Plugin<unknown>> = Readonly<Record<string, () => Promise<P>>>;

/** Loads plug-ins, in the loaders' order. @param isNeeded tells by name; default: all are */
export async function loadRegistry<P extends Plugin<unknown>>(
  loaders: Loaders<P>,
  isNeeded: (name: string) => boolean = () => true,
): Promise<Registry<P>> {
  const needed = Object.entries(loaders).filter(([name]) => isNeeded(name));
  return new Map(
    await Promise.all(needed.map(async ([name, load]) => [name, await load()] as const)),
  );
}

/** All plug-ins that a trial file can name. */
export interface Plugins {
  readonly tasks: Registry<TaskPlugin>;
  readonly aggregators: Registry<AggregatorPlugin>;
  readonly attacks: Registry<Plugin<Attack>>;
  /** The mods. Default: none. */
  readonly mods?: Registry<Plugin<Mod>>;
  /** The personal methods. Default: none. */
  readonly personal?: Registry<Plugin<PersonalMethod>>;
  /** The plug-ins that are not built in. */
  readonly outside?: readonly LocatedPlugin[];
}
