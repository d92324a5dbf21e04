import type { Metrics } from "@fedclair/core";
import { Matrix, sum } from "@fedclair/linalg";
import {
  displacement,
  dualCertificate,
  modeCoverage,
  nearestCentres,
  type Coverage,
  optimality,
  slicedW2,
  squaredW2,
  straightness,
  pathEnergy,
} from "./metrics.js";
import { inputsOf, values, type Network } from "./network.js";
import { centresOf, type Ring } from "./points.js";
import { followPolicy, guidedGradient } from "./sampling.js";
import { conditionOf } from "./training.js";

/** A mode counts as covered with at least this part of its even share of the points: 5 % of all where there are eight. */
const leastPart = 0.4;

/** Fresh points that a network is measured on, n×2 each. */
export interface Yardstick {
  readonly starts: Matrix;
  readonly targets: Matrix;
  /** W2² of starts and targets. */
  readonly squaredW2: number;
  /** W2 of two samples of the target of this size: what a perfect transport would measure. */
  readonly floor: number;
}

export async function makeYardstick(
  starts: Matrix,
  targets: Matrix,
  otherTargets: Matrix,
): Promise<Yardstick> {
  return {
    starts,
    targets,
    squaredW2: await squaredW2(starts, targets),
    floor: Math.sqrt(await squaredW2(targets, otherTargets)),
  };
}

/**
 * How well a network transports.
 * @param steps K of the paths
 * @param ring the target's modes, if it has any
 * @returns the paths, and by name:
 * - `w2`, `slicedW2`: distances of generated from true points; `w2Floor`: that of true from true points;
 * - `oneStepW2`: as `w2`, generated in a single step;
 * - `straightness`, `optimality`: of the paths, at least 1;
 * - `energyRatio`: path energy over W2² of source and target;
 * - `certificate`: the dual bound over W2²/2, at most 1;
 * - `modesCovered`, `inside`: with a ring, modes that hold two fifths of their even share of the points, and the share of points in any mode
 */
export async function measureTransport(
  network: Network,
  { starts, targets, squaredW2: reference, floor }: Yardstick,
  steps: number,
  ring?: Ring,
  condition: readonly number[] = [],
): Promise<{ readonly paths: readonly Matrix[]; readonly metrics: Metrics }> {
  const gradient = guidedGradient(network, { condition, weight: 0 });
  const paths = followPolicy(gradient, starts, steps);
  const end = paths.at(-1) ?? starts;
  const oneStep = followPolicy(gradient, starts, 1)[1] ?? starts;
  const v0 = values(network, inputsOf(starts, 0, condition));
  const coverage = ring && coverageOf(end, ring);
  const metrics = {
    w2: Math.sqrt(await squaredW2(end, targets)),
    w2Floor: floor,
    slicedW2: slicedW2(end, targets),
    oneStepW2: Math.sqrt(await squaredW2(oneStep, targets)),
    straightness: straightness(paths),
    optimality: await optimality(paths),
    energyRatio: pathEnergy(paths) / reference,
    certificate: dualCertificate(v0, starts, targets) / (reference / 2),
    ...(coverage && { modesCovered: coverage.covered, inside: coverage.inside }),
  };
  return { paths, metrics };
}

/** A point is in a mode within three standard deviations of its centre. */
function coverageOf(points: Matrix, ring: Ring): Coverage {
  return modeCoverage(points, centresOf(ring), 3 * ring.deviation, leastPart / ring.modes);
}

/** How well a conditional network hits the modes that it is told. */
export interface ConditionalMeasures {
  /** Share of points nearest to the mode asked for: the mean over modes, and the worst mode. */
  readonly accuracy: number;
  readonly worstAccuracy: number;
  /** Root of the mean squared deviation, in one coordinate, of the points of a mode from their mean; of the mean over modes. */
  readonly deviation: number;
}

/** @param weight of classifier-free guidance */
export function measureConditional(
  network: Network,
  starts: Matrix,
  steps: number,
  ring: Ring,
  weight: number,
): { readonly ends: readonly Matrix[]; readonly measures: ConditionalMeasures } {
  const centres = centresOf(ring);
  const ends = Array.from({ length: ring.modes }, (_, mode) => {
    const gradient = guidedGradient(network, { condition: conditionOf(mode, ring.modes), weight });
    return followPolicy(gradient, starts, steps).at(-1) ?? starts;
  });
  const accuracies = ends.map(
    (points, mode) =>
      nearestCentres(points, centres).filter(({ centre }) => centre === mode).length / points.rows,
  );
  return {
    ends,
    measures: {
      accuracy: sum(accuracies) / ring.modes,
      worstAccuracy: Math.min(...accuracies),
      deviation: sum(ends.map(deviationOf)) / ring.modes,
    },
  };
}

function deviationOf(points: Matrix): number {
  const centred = new Matrix(points.rows, points.cols);
  for (let c = 0; c < points.cols; c++) centred.column(c).fill(sum(points.column(c)) / points.rows);
  return Math.sqrt(displacement(centred, points) / points.cols);
}
