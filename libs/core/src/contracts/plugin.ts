import type { Aggregator } from "./aggregator.js";
import type { Attack } from "./attack.js";
import type { TaskFigures } from "./figure.js";
import type { Mod } from "./mod.js";
import type { LocatedPlugin } from "./plugin-identity.js";
import type { Task } from "./task.js";
import type { ZodObject } from "zod";

/**
 * What a trial file names: a task, an aggregator, an attack or a mod. What a plug-in remembers from round to round, its state,
 * is handed in and handed back, never kept in a field: a trial can then be stopped, stored and resumed after any round.
 * State holds what survives `v8.serialize`: JSON values, typed arrays, and maps and arrays of these.
 * @typeParam T what it makes
 */
export interface Plugin<T> {
  readonly name: string;
  /** One sentence for `fedclair plugins tasks` and its like. */
  readonly summary: string;
  /** The options it takes beside `name`: a strict zod object whose every key has a default or is required, and says so. */
  readonly schema: ZodObject;
  /** @param options what `schema` returned */
  create(options: never): T;
}

export interface TaskPlugin extends Plugin<Task> {
  /**
   * Its clients are not simulated: what they learn, and from which data, is known to the hosts that bring them alone. Attacks
   * that act at clients are refused then, and `ClientRunner` has nothing to run.
   */
  readonly isExternal?: boolean;
  /** Does `openShard` honour `corruptLabels`? An attack on labels is refused for a task that does not. */
  readonly hasLabels?: boolean;
  /** The kinds of `Shard.contamination` that `openShard` honours, with their options; others are refused. */
  contaminations?(options: never): ReadonlyMap<string, ZodObject>;
  /** The backend of TensorFlow.js that trains faster with these options, as measured: see docs/backends.md. Default: wasm. */
  backend?(options: never): "tensorflow" | "wasm";
  /** Options that are paths, as `source.folder`: a relative one in a trial file starts from the file's folder. */
  readonly paths?: readonly string[];
  /** Aggregators that only make sense of this task's updates: trials of other tasks are refused them. */
  readonly aggregators?: readonly AggregatorPlugin[];
  /** What clients and coordinator measure, by name. */
  readonly metrics?: Readonly<Record<string, MetricInfo>>;
  /** The metric by which methods are compared first; one of `metrics`. */
  readonly primary?: string;
  /** In place of the two, where the trial file says what is measured. */
  measures?(options: never): Measures;
  /** Draws the artifacts of the task's steps, as the method's field would: for the report. */
  readonly figures?: TaskFigures;
}

/** What is measured, by name, and the metric by which methods are compared first. */
export type Measures = Pick<TaskPlugin, "metrics" | "primary">;

export interface MetricInfo {
  readonly better?: "higher" | "lower";
  readonly unit?: string;
  readonly description: string;
}

export interface AggregatorPlugin extends Plugin<Aggregator> {
  /** It leaves every client its own change and makes no common one. Refused for tasks whose clients must share params. */
  readonly personalOnly?: boolean;
  /** May changes have begun at params of different rounds? Default: no; a schedule that buffers is then refused. */
  readonly acceptsStale?: boolean;
}

export type Registry<P extends Plugin<unknown>> = ReadonlyMap<string, P>;

/** Everything a trial file can name. */
export interface Plugins {
  readonly tasks: Registry<TaskPlugin>;
  readonly aggregators: Registry<AggregatorPlugin>;
  readonly attacks: Registry<Plugin<Attack>>;
  /** Default: none. */
  readonly mods?: Registry<Plugin<Mod>>;
  /** Those of them that are not built in. */
  readonly outside?: readonly LocatedPlugin[];
}
