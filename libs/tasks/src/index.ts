import type { AggregatorPlugin, Registry, TaskPlugin } from "@fedclair/core";
import { alberdice } from "./alberdice/index.js";
import { copyAverage } from "./copy-average/index.js";
import { denoising } from "./denoising/index.js";
import { digits } from "./digits/index.js";
import { evaluationBias } from "./evaluation-bias/index.js";
import { external } from "./external/index.js";
import { collaborationGraphTask } from "./graph-learning/collaboration/index.js";
import { graphLearning } from "./graph-learning/index.js";
import { linearRegression } from "./linear-regression/index.js";
import { network } from "./network/index.js";
import { textCopy } from "./text-copy/index.js";
import { valueDrivenTransport } from "./value-driven-transport/index.js";

const listed: readonly TaskPlugin[] = [
  alberdice,
  copyAverage,
  denoising,
  digits,
  evaluationBias,
  external,
  graphLearning,
  collaborationGraphTask,
  linearRegression,
  network,
  textCopy,
  valueDrivenTransport,
];

/** The tasks that a trial file can name. */
export const tasks: ReadonlyMap<string, TaskPlugin> = new Map(
  listed.map((task) => [task.name, task]),
);

/** The aggregators that the tasks bring along. */
export const taskAggregators: Registry<AggregatorPlugin> = new Map(
  listed.flatMap(({ aggregators = [] }) => aggregators.map((rule) => [rule.name, rule] as const)),
);

export { readMnist } from "./digits/data.js";
