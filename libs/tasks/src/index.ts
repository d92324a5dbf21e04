import type { AggregatorPlugin, Registry, TaskPlugin } from "@fedclair/core";

interface Loader {
  readonly load: () => Promise<TaskPlugin>;
  /** Names of the aggregators that the task defines. */
  readonly aggregators?: readonly string[];
}

/**
 * The built-in tasks by name. Each is imported only when a trial names it, because loading all of
 * them takes a fifth of a second.
 */
const loaders: Readonly<Record<string, Loader>> = {
  alberdice: {
    load: async () => (await import("./alberdice/index.js")).alberdice,
    aggregators: ["cosine-rule"],
  },
  "copy-average": {
    load: async () => (await import("./copy-average/index.js")).copyAverage,
    aggregators: ["matched-average", "redistillation"],
  },
  denoising: { load: async () => (await import("./denoising/index.js")).denoising },
  digits: { load: async () => (await import("./digits/index.js")).digits },
  "evaluation-bias": {
    load: async () => (await import("./evaluation-bias/index.js")).evaluationBias,
    aggregators: ["moment-subspace"],
  },
  external: { load: async () => (await import("./external/index.js")).external },
  "graph-learning": {
    load: async () => (await import("./graph-learning/index.js")).graphLearning,
    aggregators: ["covariance-distance", "covariance-low-rank"],
  },
  "collaboration-graph": {
    load: async () =>
      (await import("./graph-learning/collaboration/index.js")).collaborationGraphTask,
  },
  "linear-regression": {
    load: async () => (await import("./linear-regression/index.js")).linearRegression,
  },
  network: { load: async () => (await import("./network/index.js")).network },
  "text-copy": { load: async () => (await import("./text-copy/index.js")).textCopy },
  "value-driven-transport": {
    load: async () => (await import("./value-driven-transport/index.js")).valueDrivenTransport,
  },
};

/** Names of all built-in tasks, loaded or not. */
export const taskNames: readonly string[] = Object.keys(loaders);
/** Names of the aggregators that built-in tasks define, loaded or not. */
export const taskAggregatorNames: readonly string[] = Object.values(loaders).flatMap(
  ({ aggregators = [] }) => aggregators,
);

export interface Tasks {
  readonly tasks: Registry<TaskPlugin>;
  /** The aggregators that the loaded tasks define. */
  readonly aggregators: Registry<AggregatorPlugin>;
}

/**
 * Loads tasks.
 * @param content the unchecked content of a trial or a sweep. A task is loaded if its name, or the
 *   name of one of its aggregators, occurs in it. All tasks are loaded if the content is absent, or
 *   if its task is unknown, so that the error can list them.
 * @param outside the names of tasks that are known and need not be loaded
 */
export async function loadTasks(
  content?: unknown,
  outside: ReadonlySet<string> = new Set(),
): Promise<Tasks> {
  const texts = textsIn(content);
  const all = Object.entries(loaders);
  const needed = all.filter(([name, { aggregators = [] }]) =>
    [name, ...aggregators].some((one) => texts.has(one)),
  );
  const { task } = (content ?? {}) as { readonly task?: unknown };
  const names = taskNamesIn(task);
  const isKnown = (name: string) => Object.hasOwn(loaders, name) || outside.has(name);
  const loading = (names.length > 0 && names.every(isKnown) ? needed : all).map(([, { load }]) =>
    load(),
  );
  const loaded = await Promise.all(loading);
  const aggregators = loaded.flatMap((task) => task.aggregators ?? []);
  return {
    tasks: new Map(loaded.map((task) => [task.name, task])),
    aggregators: new Map(aggregators.map((rule) => [rule.name, rule])),
  };
}

/** The names in the key `task` of a trial; a sweep may list tasks, or names. */
function taskNamesIn(task: unknown): string[] {
  return [task].flat().flatMap((choice) => {
    const { name } = (choice ?? {}) as { readonly name?: unknown };
    return [name].flat().filter((one) => typeof one === "string");
  });
}

/** Collects every string in a value. */
function textsIn(value: unknown): Set<string> {
  if (typeof value === "string") return new Set([value]);
  if (typeof value !== "object" || value === null) return new Set();
  return new Set(Object.values(value).flatMap((one) => [...textsIn(one)]));
}

export { readMnist } from "./digits/data.js";
export { splitRows } from "./data/client-rows.js";
export { partitionChoice } from "./partition/options.js";
export { shuffleSamples } from "./partition/shuffle-samples.js";
