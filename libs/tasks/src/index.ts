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
 * Finds the task names in a trial's text. Unknown names are reported later, by the trial parser.
 */
function findTaskNames(text: string): string[] {
  const key = /\btask(?:["']?\s*:[\s{]*["']?name["']?\s*:\s*|\.name=)["']?([\w-]+)/g;
  return [...text.matchAll(key)].flatMap(([, name]) => name ?? []);
}

/**
 * Loads the tasks that a trial needs.
 * @param text the trial's text: only tasks are loaded that it mentions by name or through one of
 * their aggregators. All tasks are loaded if it mentions none, or if its task name is unknown, so
 * that the trial parser can list them.
 */
export async function loadTasks(text = ""): Promise<Tasks> {
  const all = Object.entries(loaders);
  const mentioned = all.filter(([name, { aggregators = [] }]) =>
    [name, ...aggregators].some((one) => text.includes(one)),
  );
  const areNamesKnown =
    mentioned.length > 0 && findTaskNames(text).every((name) => Object.hasOwn(loaders, name));
  const loading = (areNamesKnown ? mentioned : all).map(([, { load }]) => load());
  const loaded = await Promise.all(loading);
  const aggregators = loaded.flatMap((task) => task.aggregators ?? []);
  return {
    tasks: new Map(loaded.map((task) => [task.name, task])),
    aggregators: new Map(aggregators.map((rule) => [rule.name, rule])),
  };
}

export { readMnist } from "./digits/data.js";
