import { item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import type { Matrix, Stream } from "@fedclair/linalg";
import { Adam, cosineDecay } from "./adam.js";
import { couple, drawPairs } from "./coupling.js";
import { dualStep, type CoupledBatch, type DualSettings } from "./dual-step.js";
import { inputsOf, values, type ModuleMatrices, type Network } from "./network.js";
import { pickRows, type Sample } from "./points.js";

export interface TrainingSettings extends DualSettings {
  /** B, targets a step. */
  readonly batchSize: number;
  /** S, source points a step. */
  readonly sourceBatchSize: number;
  /** Weight of the coupling's entropy, in squared units of the points. */
  readonly eps: number;
  /** entropic: by the values, see `couple`. independent: any source with any target, which trains curved paths. */
  readonly coupling: "entropic" | "independent";
  /** Is the network told which mode to aim at? */
  readonly conditional: boolean;
}

/** The settings that everything was measured with; for points of unit order. */
export const canonical: TrainingSettings = {
  horizon: 10,
  batchSize: 64,
  sourceBatchSize: 128,
  eps: 0.1,
  lambda0: 1,
  coupling: "entropic",
  conditional: false,
};
export const canonicalHidden = 32;
export const canonicalRate = 1e-2;

/** What a step draws from. */
export interface TrainingData {
  readonly target: Sample;
  /** Draws source points, count×2. */
  readonly source: (count: number, rng: Stream) => Matrix;
}

/** Probability of a step without a condition, which classifier-free guidance needs. */
const unconditionalShare = 0.2;
/** Steps between two looks at the event loop: some fifteen milliseconds. */
const stepsATime = 8;

/**
 * The gradient of one training step on freshly drawn points.
 * @param rng of everything but the source points
 * @param sourceRng of the source points: clients that share it share the batch X
 */
export function stepGradient(
  network: Network,
  data: TrainingData,
  settings: TrainingSettings,
  rng: Stream,
  sourceRng: Stream = rng.at("sources"),
): ModuleMatrices {
  return dualStep(network, drawBatch(network, data, settings, rng, sourceRng), settings).gradient;
}

function drawBatch(
  network: Network,
  { target, source }: TrainingData,
  settings: TrainingSettings,
  rng: Stream,
  sourceRng: Stream,
): CoupledBatch {
  const { batchSize, sourceBatchSize, eps, horizon, conditional } = settings;
  const { rows, condition } = conditional
    ? drawCondition(target, rng.at("condition"))
    : { rows: undefined, condition: [] };
  const sources = source(sourceBatchSize, sourceRng);
  const targets = drawRows(target.points, rows, batchSize, rng.at("targets"));
  const hours = rng.at("times");
  const times = Float64Array.from({ length: batchSize }, () => hours.int(horizon) / horizon);
  const drawn = rng.at("pairs");
  if (settings.coupling === "independent") {
    const pairs = Int32Array.from({ length: batchSize }, () => drawn.int(sourceBatchSize));
    return { sources, targets, pairs, times, condition };
  }
  const v0 = values(network, inputsOf(sources, 0, condition));
  const coupling = couple(v0, sources, targets, eps);
  return { sources, targets, pairs: drawPairs(coupling, drawn), coupling, times, condition };
}

/** One of so many modes, one-hot. */
export function conditionOf(mode: number, modes: number): number[] {
  return Array.from({ length: modes }, (_, k) => (k === mode ? 1 : 0));
}

/** What a conditional network is told where it is to aim at any mode. */
export function noCondition(modes: number): number[] {
  return conditionOf(-1, modes);
}

/** One of the modes that the data hold, or none: then all rows. */
function drawCondition({ modes }: Sample, rng: Stream) {
  if (!modes) throw new Error("a conditional network needs data with modes");
  const { of, count } = modes;
  if (rng.uniform() < unconditionalShare) return { rows: undefined, condition: noCondition(count) };
  const held = [...new Set(of)].sort((a, b) => a - b);
  const mode = item(held, rng.int(held.length));
  const rows = Array.from(of.keys()).filter((i) => of[i] === mode);
  return { rows, condition: conditionOf(mode, count) };
}

/** With replacement. @param rows to draw from, all by default */
function drawRows(
  points: Matrix,
  rows: readonly number[] | undefined,
  count: number,
  rng: Stream,
): Matrix {
  const from = rows ?? { length: points.rows };
  const chosen = Int32Array.from({ length: count }, () => {
    const k = rng.int(from.length);
    return rows ? item(rows, k) : k;
  });
  return pickRows(points, chosen);
}

/** Points drawn from a pool with replacement, as a source. */
export function sourceFrom(pool: Matrix): TrainingData["source"] {
  return (count, rng) => drawRows(pool, undefined, count, rng);
}

/**
 * Adam steps on whatever weights make up the network. Gives way to the event loop, and rejects once the signal aborts.
 * @param rate of each step, 0-based
 * @returns the weights after the last step
 */
export async function descend<Name extends string>(
  start: Readonly<Record<Name, Matrix>>,
  steps: number,
  rate: (step: number) => number,
  gradientAt: (weights: Readonly<Record<Name, Matrix>>, step: number) => Record<Name, Matrix>,
  signal?: AbortSignal,
): Promise<Readonly<Record<Name, Matrix>>> {
  const adam = new Adam<Name>();
  let weights = start;
  for (let i = 0; i < steps; i++) {
    weights = adam.step(weights, gradientAt(weights, i), rate(i));
    if (i % stepsATime === 0) await setImmediate(undefined, { signal });
  }
  return weights;
}

/** Trains a network where all data are, with the learning rate falling by a cosine. */
export async function trainCentrally(
  start: Network,
  data: TrainingData,
  settings: TrainingSettings,
  { steps, learningRate }: { readonly steps: number; readonly learningRate: number },
  rng: Stream,
): Promise<Network> {
  const { b3 } = start;
  const trained = await descend<keyof ModuleMatrices>(
    start,
    steps,
    (i) => cosineDecay(learningRate, i, steps),
    (weights, i) => stepGradient({ ...weights, b3 }, data, settings, rng.at("step", i)),
  );
  return { ...trained, b3 };
}
