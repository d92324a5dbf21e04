import type { Aggregator, Plugin, Registry, TaskPlugin } from "@fedclair/core";
import { alberdice } from "./alberdice/alberdice.js";
import { cosineRule } from "./alberdice/cosine-rule.js";
import { matchedAverage, redistillation } from "./copy-average/aggregators.js";
import { copyAverage } from "./copy-average/copy-average.js";
import { denoising } from "./denoising/denoising.js";
import { digits } from "./digits/digits.js";
import { evaluationBias } from "./evaluation-bias/evaluation-bias.js";
import { momentSubspace } from "./evaluation-bias/moment-subspace.js";
import { collaborationGraphTask } from "./graph-learning/collaboration/collaboration-graph.js";
import { covarianceDistance, covarianceLowRank } from "./graph-learning/detectors.js";
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

const brought: readonly Plugin<Aggregator>[] = [
  cosineRule,
  covarianceDistance,
  covarianceLowRank,
  matchedAverage,
  momentSubspace,
  redistillation,
];

/** Aggregators that only make sense for the updates of one of the tasks. */
export const taskAggregators: Registry<Aggregator> = new Map(
  brought.map((aggregator) => [aggregator.name, aggregator]),
);
