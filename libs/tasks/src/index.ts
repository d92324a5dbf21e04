import type { AggregatorPlugin, Registry, TaskPlugin } from "@fedclair/core";

interface Loader {
  readonly load: () => Promise<TaskPlugin>;
  /** The aggregators that it brings along. */
  readonly aggregators?: readonly string[];
}

/** The tasks that a trial file can name. One is loaded when it is named: all of them take a fifth of a second. */
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

/** What is built in, loaded or not. */
export const taskNames: readonly string[] = Object.keys(loaders);
export const taskAggregatorNames: readonly string[] = Object.values(loaders).flatMap(
  ({ aggregators = [] }) => aggregators,
);

export interface Tasks {
  readonly tasks: Registry<TaskPlugin>;
  /** The aggregators that they bring along. */
  readonly aggregators: Registry<AggregatorPlugin>;
}

/** What a trial calls its task. Of one that there is not, who reads the trial tells, and names all that there are. */
function tasksOf(text: string): string[] {
  const key = /\btask(?:["']?\s*:[\s{]*["']?name["']?\s*:\s*|\.name=)["']?([\w-]+)/g;
  return [...text.matchAll(key)].flatMap(([, name]) => name ?? []);
}

/** @param text of a trial: only tasks are loaded whose name, or that of an aggregator of theirs, is in it; all if none is */
export async function loadTasks(text = ""): Promise<Tasks> {
  const all = Object.entries(loaders);
  const named = all.filter(([name, { aggregators = [] }]) =>
    [name, ...aggregators].some((one) => text.includes(one)),
  );
  const isTold = named.length > 0 && tasksOf(text).every((name) => Object.hasOwn(loaders, name));
  const loading = (isTold ? named : all).map(([, { load }]) => load());
  const loaded = await Promise.all(loading);
  const aggregators = loaded.flatMap((task) => task.aggregators ?? []);
  return {
    tasks: new Map(loaded.map((task) => [task.name, task])),
    aggregators: new Map(aggregators.map((rule) => [rule.name, rule])),
  };
}

export { readMnist } from "./digits/data.js";
