import {
  copyTensor,
  payloadBytes,
  readNumbers,
  loadTensor,
  type Dense,
  type Tensor,
} from "./tensor.js";

/**
 * A low-rank matrix `b · a`, which is sent as its factors: b is p×r, a is r×q. A LoRA scale is part
 * of b.
 */
export interface LowRank {
  readonly b: Tensor;
  readonly a: Tensor;
}

/** The change of one module: a tensor of the module's own shape, or the two factors of a matrix. */
export type TensorDelta = Tensor | LowRank;

/** A change whose numbers are in memory. */
export type DenseDelta = Dense | { readonly b: Dense; readonly a: Dense };

/** Changes by module name. */
export type Delta = ReadonlyMap<string, TensorDelta>;

/** Measurements by name: finite numbers only, so that records survive JSON. */
export type Metrics = Readonly<Record<string, number>>;

/** One client's result for one round: the change it proposes to the params that it started from. */
export interface Update {
  readonly clientId: string;
  /** Samples the client trained on (evaluated on, for an evaluation job); an integer ≥ 1. */
  readonly numExamples: number;
  /** Empty for an evaluation job. */
  readonly delta: Delta;
  readonly metrics: Metrics;
  /**
   * The expected squared Frobenius norm of the noise in the change, if the task knows it and shows
   * it to the aggregator.
   */
  readonly noise?: number;
}

export function isLowRank(update: TensorDelta): update is LowRank {
  return "b" in update;
}

/** The tensors that an update of one module is made of, in the order in which they travel. */
export function tensorsOf(update: TensorDelta): readonly Tensor[] {
  return isLowRank(update) ? [update.b, update.a] : [update];
}

/** The shape of the tensor that the update changes: p×q for factors p×r and r×q. */
export function deltaShape(update: TensorDelta): readonly number[] {
  return isLowRank(update) ? [update.b.shape[0] ?? 0, update.a.shape[1] ?? 0] : update.shape;
}

/** Bytes of all tensors of a change. */
export function deltaBytes(delta: Delta): number {
  return [...delta.values()].reduce((total, one) => total + payloadBytes(tensorsOf(one)), 0);
}

/** Reads a change into memory, for callers that read its numbers many times. */
export function loadChange(change: TensorDelta): DenseDelta {
  return isLowRank(change)
    ? { b: loadTensor(change.b), a: loadTensor(change.a) }
    : loadTensor(change);
}

/** The delta with every tensor that it is made of replaced. @param make of the same shape */
export function mapTensors(delta: Delta, make: (tensor: Tensor) => Tensor): Delta {
  return new Map(
    [...delta].map(([name, change]) => [
      name,
      isLowRank(change) ? { b: make(change.b), a: make(change.a) } : make(change),
    ]),
  );
}

/** The same numbers in memory of their own. */
export function copyUpdate(update: Update): Update {
  return { ...update, delta: mapTensors(update.delta, copyTensor) };
}

/**
 * Multiplies every module of a change by `factor`. Of a low-rank pair only b is scaled. Shapes and
 * dtypes stay the same.
 */
export function scaleDelta(delta: Delta, factor: number): Delta {
  return new Map([...delta].map(([name, change]) => [name, scaleModule(change, factor)]));
}

/** Multiplies one module of a change by `factor`, like `scaleDelta`. */
export function scaleModule(change: TensorDelta, factor: number): TensorDelta {
  if (isLowRank(change)) return { b: scaleTensor(change.b, factor), a: change.a };
  return scaleTensor(change, factor);
}

function scaleTensor(tensor: Tensor, factor: number): Dense {
  return { shape: tensor.shape, data: readNumbers(tensor).map((x) => factor * x) };
}
