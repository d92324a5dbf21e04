import {
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
import { faultOf, toUnitTrace } from "./covariance.js";
import { learnGraph } from "./learn.js";
import type { Options } from "./options.js";
import { svec, unpackUpper, unsvec } from "./packing.js";
import { toUnitNorm } from "./problem.js";
import { addScaledTo } from "./vectors.js";

/**
 * The aggregator judges covariances of unit trace, as vectors of the same norm, q×1. Pools those of the clients that it
 * finds benign, or takes its average if it judges nobody, and learns the graph from them.
 */
export async function step(
  options: Options,
  { updates, params }: Round,
  aggregate: Aggregate,
): Promise<Step> {
  const usable = usableOf(updates);
  const aggregation = await aggregate(usable.map(asVector));
  const kept = keptOf(usable, aggregation.verdicts);
  const verdicts = [...(aggregation.verdicts ?? []), ...invalidOf(updates, usable)];
  const judged = verdicts.length > 0 ? { verdicts } : {};
  if (kept.length === 0) {
    const artifacts = { learned: { outcome: "no client kept" } };
    return { ...judged, params, metrics: { kept: 0, solved: 0 }, artifacts };
  }
  const samples = kept.reduce((total, { update }) => total + update.numExamples, 0);
  const pooled = aggregation.verdicts ? pool(kept, samples) : averageOf(aggregation);
  const learned = await learnGraph(options, toUnitNorm(pooled), samples);
  const metrics = { kept: kept.length, ...learned.metrics };
  return { params, ...judged, ...learned, metrics };
}

interface Usable {
  readonly update: Update;
  /** Of unit trace. */
  readonly covariance: Matrix;
}

function asVector({ update, covariance }: Usable): Update {
  const data = svec(covariance);
  return { ...update, delta: new Map([["covariance", { shape: [data.length, 1], data }]]) };
}

/** Without the clients whose numbers are no covariance. */
function usableOf(updates: readonly Update[]): Usable[] {
  return updates.flatMap((update) => {
    const covariance = unpackUpper(denseOf(update.delta.get("covariance")));
    const usable = faultOf(covariance) === undefined;
    return usable ? [{ update, covariance: toUnitTrace(covariance) }] : [];
  });
}

function invalidOf(updates: readonly Update[], usable: readonly Usable[]): Verdict[] {
  const known = new Set(usable.map(({ update }) => update.clientId));
  return updates
    .filter(({ clientId }) => !known.has(clientId))
    .map(({ clientId }) => invalidVerdict(clientId));
}

/** Those found benign; all where nobody was judged. */
function keptOf(usable: readonly Usable[], verdicts?: readonly Verdict[]): readonly Usable[] {
  if (!verdicts) return usable;
  const benign = new Set(verdicts.filter(({ pooled }) => pooled).map((v) => v.clientId));
  return usable.filter(({ update }) => benign.has(update.clientId));
}

/** Σ n_k·C_k/n */
function pool(kept: readonly Usable[], samples: number): Matrix {
  const nodes = kept[0]?.covariance.rows ?? 0;
  const pooled = new Matrix(nodes, nodes);
  for (const { update, covariance } of kept) {
    addScaled(pooled, update.numExamples / samples, covariance);
  }
  return pooled;
}

/** @throws UserError if the aggregator makes no average of what was presented */
function averageOf({ change }: Aggregation): Matrix {
  const terms = change.map((term) => denseOf(term.get("covariance")));
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

function denseOf(update: TensorDelta | undefined): Float64Array {
  if (!update || isLowRank(update)) {
    throw new UserError("graph-learning: expected a dense module `covariance`");
  }
  return Float64Array.from(update.data);
}
