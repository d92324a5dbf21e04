import type { AggregatorPlugin, Registry, TaskPlugin } from "@fedclair/core";
import { alberdice } from "./alberdice/alberdice.js";
import { copyAverage } from "./copy-average/copy-average.js";
import { denoising } from "./denoising/denoising.js";
import { digits } from "./digits/digits.js";
import { evaluationBias } from "./evaluation-bias/evaluation-bias.js";
import { collaborationGraphTask } from "./graph-learning/collaboration/collaboration-graph.js";
import { graphLearning } from "./graph-learning/graph-learning.js";
import { linearRegression } from "./linear-regression/linear-regression.js";
import { network } from "./network/network.js";
import { textCopy } from "./text-copy/text-copy.js";
import { valueDrivenTransport } from "./value-driven-transport/value-driven-transport.js";

const listed: readonly TaskPlugin[] = [
  alberdice,
  copyAverage,
  denoising,
  digits,
  evaluationBias,
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
