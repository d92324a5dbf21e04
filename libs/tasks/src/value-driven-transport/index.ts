import type { MetricInfo, Task, TaskPlugin } from "@fedclair/core";
import type { AdamState } from "../nets/float64-adam.js";
import { contaminationsOf } from "./client-data.js";
import { TransportClient } from "./client.js";
import { Coordinator } from "./coordinator.js";
import { figures } from "./figures.js";
import { schema, type Options } from "./options.js";
import { openPoints } from "./own-points.js";
import { isTable } from "./points.js";
import { simulatePoints, type World } from "./world.js";

const metrics: Readonly<Record<string, MetricInfo>> = {
  w2: { better: "lower", description: "2-Wasserstein distance of generated from true points" },
  w2Floor: { description: "w2 between two samples of true points" },
  slicedW2: { better: "lower", description: "sliced 2-Wasserstein distance from true points" },
  oneStepW2: { better: "lower", description: "w2 of points generated in a single step" },
  straightness: {
    better: "lower",
    description: "length of the paths over their span, at least 1",
  },
  optimality: {
    better: "lower",
    description: "cost of the paths over the least possible cost, at least 1",
  },
  energyRatio: { better: "lower", description: "energy of the paths over squared W2" },
  certificate: { better: "higher", description: "dual bound over half of squared W2, at most 1" },
  modesCovered: {
    better: "higher",
    unit: "modes",
    description: "modes that hold two fifths of their even share of the points",
  },
  inside: { better: "higher", description: "share of the points that lie in a mode" },
  classAccuracy: { better: "higher", description: "share of points at the requested mode" },
  worstClassAccuracy: { better: "higher", description: "classAccuracy of the worst mode" },
  classDeviation: { description: "deviation of a mode's points from their mean" },
  classW2: { better: "lower", description: "w2 from true points of the requested mode" },
  classW2Floor: { description: "classW2 between two samples of true points" },
  guidedAccuracy: { better: "higher", description: "classAccuracy with guidance" },
  guidedDeviation: { description: "classDeviation with guidance" },
  guidedW2: { better: "lower", description: "classW2 with guidance" },
};

function describeSteps(k: number): [string, MetricInfo] {
  return [`w2Steps.${k}`, { better: "lower", description: `w2 of points generated in ${k} steps` }];
}

/**
 * Generative modelling by value-driven transport (Moreno-Muñoz, Müller and Neu, arXiv 2605.22507):
 * samples move from a source to a target down the gradient of learned value functions. Each client
 * holds samples of the target, and the samples of contaminated clients are replaced. We knew the
 * paper by its abstract; the training is a primal-dual method derived for this platform.
 *
 * Params are W1, b1, W2, b2 and W3 of the value network, float32, input × output. All clients start
 * every round from the coordinator's params. Mode `lora` answers with pairs for W1 and W2 only, so
 * CLAIR's right side is the space of outputs.
 */
export const valueDrivenTransport: TaskPlugin = {
  name: "value-driven-transport",
  summary: "Moves samples to the clients' distribution down the gradient of a value network.",
  schema,
  paths: ["source.file", "source.folder", "target.file", "target.folder"],
  contaminations: contaminationsOf,
  metrics,
  primary: "w2",
  measures: ({ measureSteps }: Options) => ({
    metrics: { ...metrics, ...Object.fromEntries(measureSteps.map(describeSteps)) },
    primary: "w2",
  }),
  figures,
  sharesParams: () => true,
  create: (options: Options) => {
    const { source, target } = options;
    return isTable(source) || isTable(target)
      ? openPoints(options).then((world) => createTask(options, world))
      : createTask(options, simulatePoints(options, source, target));
  },
};

function createTask(options: Options, world: World): Task<AdamState | undefined> {
  const coordinator = new Coordinator(options, world);
  return {
    ...world.members,
    start: (context) => coordinator.start(context),
    openShard: (shard) => Promise.resolve(new TransportClient(options, world, shard)),
    step: (round, aggregate) => coordinator.step(round, aggregate),
  };
}
