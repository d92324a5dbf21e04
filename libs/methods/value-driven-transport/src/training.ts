import { item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import type { Matrix, Stream } from "@fedclair/linalg";
import { Float64Adam } from "@fedclair/tasks/shared";
import { beta2, cosineDecay } from "./schedule.js";
import { couple, drawPairs } from "./coupling.js";
import { flowGradient, type TransportMethod } from "./flow.js";
import { dualStep, type CoupledBatch, type DualSettings } from "./dual-step.js";
import { inputsOf, values, type ModuleMatrices, type Network } from "./network.js";
import { pickRows, type Sample } from "./points.js";

export interface TrainingSettings extends DualSettings {
  readonly method: TransportMethod;
  /** σ of method sb-cfm, above 0, in units of the points. */
  readonly sigma: number;
  /** B, target points per step. */
  readonly batchSize: number;
  /** S, source points per step. */
  readonly sourceBatchSize: number;
  /** Weight of the coupling's entropy, in squared units of the points. */
  readonly eps: number;
  /**
   * entropic: by the values, see `couple`. independent: any source with any target, which trains
   * curved paths.
   */
  readonly coupling: "entropic" | "independent";
  /** Whether the network gets the requested mode as an input. */
  readonly conditional: boolean;
}

/** The settings of all measurements, for points of unit order. */
export const canonical: TrainingSettings = {
  method: "value",
  sigma: 0.5,
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

/** The points from which a step draws. */
export interface TrainingData {
  readonly target: Sample;
  /** Draws source points, count×2. */
  readonly source: (count: number, rng: Stream) => Matrix;
}

/** Probability of a step without a condition, which classifier-free guidance needs. */
const unconditionalShare = 0.2;
/** Steps between two yields to the event loop: about fifteen milliseconds. */
const stepsPerYield = 8;

/**
 * Computes the gradient of one training step on freshly drawn points.
 * @param rng the stream of everything except the source points
 * @param sourceRng the stream of the source points; clients that share it share the batch X
 */
export async function computeStepGradient(
  network: Network,
  data: TrainingData,
  settings: TrainingSettings,
  rng: Stream,
  sourceRng: Stream = rng.at("sources"),
): Promise<ModuleMatrices> {
  const { method, sigma, batchSize } = settings;
  if (method !== "value") {
    const { targets, condition } = drawTargets(data, settings, rng);
    const sources = data.source(batchSize, sourceRng);
    return flowGradient(network, { method, sigma }, sources, targets, condition, rng.at("times"));
  }
  return dualStep(network, drawBatch(network, data, settings, rng, sourceRng), settings).gradient;
}

/** Draws target points, of one mode if a conditional network is asked for it. */
function drawTargets(
  { target }: TrainingData,
  { batchSize, conditional }: TrainingSettings,
  rng: Stream,
): { readonly targets: Matrix; readonly condition: readonly number[] } {
  const { rows, condition } = conditional
    ? drawCondition(target, rng.at("condition"))
    : { rows: undefined, condition: [] };
  return { targets: drawRows(target.points, rows, batchSize, rng.at("targets")), condition };
}

function drawBatch(
  network: Network,
  data: TrainingData,
  settings: TrainingSettings,
  rng: Stream,
  sourceRng: Stream,
): CoupledBatch {
  const { batchSize, sourceBatchSize, eps, horizon } = settings;
  const { targets, condition } = drawTargets(data, settings, rng);
  const sources = data.source(sourceBatchSize, sourceRng);
  const timeStream = rng.at("times");
  const times = Float64Array.from({ length: batchSize }, () => timeStream.int(horizon) / horizon);
  const pairStream = rng.at("pairs");
  if (settings.coupling === "independent") {
    const pairs = Int32Array.from({ length: batchSize }, () => pairStream.int(sourceBatchSize));
    return { sources, targets, pairs, times, condition };
  }
  const v0 = values(network, inputsOf(sources, 0, condition));
  const coupling = couple(v0, sources, targets, eps);
  return { sources, targets, pairs: drawPairs(coupling, pairStream), coupling, times, condition };
}

/** Returns the one-hot condition of a mode. */
export function conditionOf(mode: number, modes: number): number[] {
  return Array.from({ length: modes }, (_, k) => (k === mode ? 1 : 0));
}

/** Returns the condition that allows any mode: zeros. */
export function noCondition(modes: number): number[] {
  return conditionOf(-1, modes);
}

/**
 * Draws one of the modes in the data, or no condition. Without a condition, all rows can be used.
 */
function drawCondition({ modes }: Sample, rng: Stream) {
  if (!modes) throw new Error("a conditional network needs data with modes");
  const { of, count } = modes;
  if (rng.uniform() < unconditionalShare) return { rows: undefined, condition: noCondition(count) };
  const heldModes = [...new Set(of)].sort((a, b) => a - b);
  const mode = item(heldModes, rng.int(heldModes.length));
  const rows = Array.from(of.keys()).filter((i) => of[i] === mode);
  return { rows, condition: conditionOf(mode, count) };
}

/**
 * Draws rows with replacement.
 * @param rows rows to draw from, all by default
 */
function drawRows(
  points: Matrix,
  rows: readonly number[] | undefined,
  count: number,
  rng: Stream,
): Matrix {
  const from = rows ?? { length: points.rows };
  const indices = Int32Array.from({ length: count }, () => {
    const k = rng.int(from.length);
    return rows ? item(rows, k) : k;
  });
  return pickRows(points, indices);
}

/** Creates a source that draws points from a pool with replacement. */
export function sourceFrom(pool: Matrix): TrainingData["source"] {
  return (count, rng) => drawRows(pool, undefined, count, rng);
}

/**
 * Takes Adam steps on the given weights. Yields to the event loop, and rejects when the signal
 * aborts.
 * @param rate learning rate of each step, 0-based
 * @returns the weights after the last step
 */
export async function descend<Name extends string>(
  start: Readonly<Record<Name, Matrix>>,
  steps: number,
  rate: (step: number) => number,
  gradientAt: (
    weights: Readonly<Record<Name, Matrix>>,
    step: number,
  ) => Promise<Readonly<Record<Name, Matrix>>>,
  signal?: AbortSignal,
): Promise<Readonly<Record<Name, Matrix>>> {
  const adam = new Float64Adam<Name>(beta2);
  let weights = start;
  for (let i = 0; i < steps; i++) {
    weights = adam.step(weights, await gradientAt(weights, i), rate(i));
    if (i % stepsPerYield === 0) await setImmediate(undefined, { signal });
  }
  return weights;
}

/**
 * Trains a network on data that are all in one place, while the learning rate falls by a cosine.
 */
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
    (weights, i) => computeStepGradient({ ...weights, b3 }, data, settings, rng.at("step", i)),
  );
  return { ...trained, b3 };
}
