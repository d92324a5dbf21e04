import {
  readNumbers,
  invalidVerdict,
  isLowRank,
  UserError,
  type Aggregate,
  type Aggregation,
  type TensorDelta,
  type Round,
  type Step,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { addScaled, Matrix } from "@fedclair/linalg";
import { findFault, toUnitTrace } from "./covariance.js";
import { learnGraph } from "./learn.js";
import type { Options } from "./options.js";
import { svec, unpackUpper, unsvec } from "./packing.js";
import { toUnitNorm } from "./problem.js";
import { addScaledTo } from "./vectors.js";
import type { World } from "./world.js";

/**
 * Pools the covariances and learns the graph from them. The aggregator compares covariances of unit
 * trace, as vectors of the same norm, q×1. The pool contains the clients that it reports as benign.
 * If it gives no verdicts, its average is used.
 */
export async function step(
  options: Options,
  world: World,
  { updates, params }: Round,
  aggregate: Aggregate,
): Promise<Step> {
  const usable = selectUsable(updates);
  const aggregation = await aggregate(usable.map(toVectorUpdate));
  const admitted = selectBenign(usable, aggregation.verdicts);
  const verdicts = [...(aggregation.verdicts ?? []), ...listInvalid(updates, usable)];
  const judgement = verdicts.length > 0 ? { verdicts } : {};
  if (admitted.length === 0) {
    const artifacts = { learned: { outcome: "no client kept" } };
    return { ...judgement, params, metrics: { kept: 0, solved: 0 }, artifacts };
  }
  const samples = admitted.reduce((total, { update }) => total + update.numExamples, 0);
  const pooled = aggregation.verdicts ? pool(admitted, samples) : readAverage(aggregation);
  const learned = await learnGraph(options, world, toUnitNorm(pooled), samples);
  const metrics = { kept: admitted.length, ...learned.metrics };
  return { params, ...judgement, ...learned, metrics };
}

interface Usable {
  readonly update: Update;
  /** Covariance of unit trace. */
  readonly covariance: Matrix;
}

function toVectorUpdate({ update, covariance }: Usable): Update {
  const data = svec(covariance);
  return { ...update, delta: new Map([["covariance", { shape: [data.length, 1], data }]]) };
}

/** Removes the clients whose numbers are not a covariance. */
function selectUsable(updates: readonly Update[]): Usable[] {
  return updates.flatMap((update) => {
    const covariance = unpackUpper(requireDense(update.delta.get("covariance")));
    const isUsable = findFault(covariance) === undefined;
    return isUsable ? [{ update, covariance: toUnitTrace(covariance) }] : [];
  });
}

function listInvalid(updates: readonly Update[], usable: readonly Usable[]): Verdict[] {
  const usableIds = new Set(usable.map(({ update }) => update.clientId));
  return updates
    .filter(({ clientId }) => !usableIds.has(clientId))
    .map(({ clientId }) => invalidVerdict(clientId));
}

/** Selects the clients that are reported as benign, or all of them without verdicts. */
function selectBenign(usable: readonly Usable[], verdicts?: readonly Verdict[]): readonly Usable[] {
  if (!verdicts) return usable;
  const benign = new Set(verdicts.filter(({ pooled }) => pooled).map((v) => v.clientId));
  return usable.filter(({ update }) => benign.has(update.clientId));
}

/** Computes Σ n_k·C_k/n. */
function pool(admitted: readonly Usable[], samples: number): Matrix {
  const nodes = admitted[0]?.covariance.rows ?? 0;
  const pooled = new Matrix(nodes, nodes);
  for (const { update, covariance } of admitted) {
    addScaled(pooled, update.numExamples / samples, covariance);
  }
  return pooled;
}

/**
 * Reads the average that the aggregator computed.
 * @throws UserError if there is none
 */
function readAverage({ change }: Aggregation): Matrix {
  const terms = change.map((term) => requireDense(term.get("covariance")));
  const [first] = terms;
  if (!first) {
    throw new UserError(
      "graph-learning: the aggregator neither judges clients nor averages them; " +
        "expected one that does, as covariance-distance, clair or fedavg",
    );
  }
  const total = new Float64Array(first.length);
  for (const term of terms) addScaledTo(total, 1, term);
  return unsvec(total);
}

function requireDense(update: TensorDelta | undefined): Float64Array {
  if (!update || isLowRank(update)) {
    throw new UserError("graph-learning: expected a dense module `covariance`");
  }
  return Float64Array.from(readNumbers(update));
}
