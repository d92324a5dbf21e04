import type { Metrics } from "@fedclair/core";
import { item, Matrix, sum } from "@fedclair/linalg";
import type { Method } from "./flow.js";
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
import { centresOf, pickRows, type Ring, type Sample } from "./points.js";
import { followPolicy, guidedGradient } from "./sampling.js";
import { conditionOf } from "./training.js";

/**
 * A mode counts as covered if it has at least this fraction of its even share of the points: with
 * eight modes, 5 % of all points.
 */
const minimumPart = 0.4;

/** Fresh points for measuring a network, n×2 each. */
export interface Yardstick {
  readonly starts: Matrix;
  readonly targets: Matrix;
  /** W2² between starts and targets. */
  readonly squaredW2: number;
  /**
   * W2 between two samples of the target of this size: the value that a perfect transport would
   * have.
   */
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

/** How paths are computed. */
export interface PathOptions {
  /** K, the number of steps of the paths. */
  readonly horizon: number;
  /** Default: value. */
  readonly method?: Method;
  /** Further numbers of steps. Default: none. */
  readonly measureSteps?: readonly number[];
}

/**
 * Measures how well a network transports.
 * @param ring the target's modes, if it has modes
 * @returns the paths, and the metrics by name:
 * - `w2`, `slicedW2`: distances of generated from true points;
 * - `w2Floor`: W2 between two samples of true points;
 * - `oneStepW2`: like `w2`, for points generated in a single step, and `w2Steps.k` in k steps;
 * - `straightness`, `optimality`: properties of the paths, at least 1;
 * - `energyRatio`: path energy over W2² of source and target;
 * - `certificate`: the dual bound over W2²/2, at most 1; flows have none;
 * - `modesCovered`: with a ring, the number of modes that hold two fifths of their even share of
 *   the points;
 * - `inside`: with a ring, the share of points in any mode
 */
export async function measureTransport(
  network: Network,
  { starts, targets, squaredW2: reference, floor }: Yardstick,
  { horizon, method = "value", measureSteps = [] }: PathOptions,
  ring?: Ring,
  condition: readonly number[] = [],
): Promise<{ readonly paths: readonly Matrix[]; readonly metrics: Metrics }> {
  const gradient = guidedGradient(network, { condition, weight: 0 }, method);
  const paths = followPolicy(gradient, starts, horizon);
  const end = paths.at(-1) ?? starts;
  const oneStep = followPolicy(gradient, starts, 1)[1] ?? starts;
  const coverage = ring && measureCoverage(end, ring);
  const bySteps: [string, number][] = [];
  for (const k of measureSteps) {
    const generated = followPolicy(gradient, starts, k).at(-1) ?? starts;
    bySteps.push([`w2Steps.${k}`, Math.sqrt(await squaredW2(generated, targets))]);
  }
  const metrics = {
    w2: Math.sqrt(await squaredW2(end, targets)),
    w2Floor: floor,
    slicedW2: slicedW2(end, targets),
    oneStepW2: Math.sqrt(await squaredW2(oneStep, targets)),
    straightness: straightness(paths),
    optimality: await optimality(paths),
    energyRatio: pathEnergy(paths) / reference,
    ...(method === "value" && {
      certificate:
        dualCertificate(values(network, inputsOf(starts, 0, condition)), starts, targets) /
        (reference / 2),
    }),
    ...Object.fromEntries(bySteps),
    ...(coverage && { modesCovered: coverage.covered, inside: coverage.inside }),
  };
  return { paths, metrics };
}

/**
 * Counts points by mode. A point is in a mode if it is within three standard deviations of its
 * centre.
 */
function measureCoverage(points: Matrix, ring: Ring): Coverage {
  return modeCoverage(points, centresOf(ring), 3 * ring.deviation, minimumPart / ring.modes);
}

/** True points by mode or class, for measuring a conditional network. */
export interface ClassYardstick {
  /** Starting points for every class, n×d. */
  readonly starts: Matrix;
  /** The centre of each class, classes×d. */
  readonly centres: Matrix;
  /** True points of each class, n×d. */
  readonly targets: readonly Matrix[];
  /** Number of points to generate for each class: as many as the floor is measured with. */
  readonly counts: readonly number[];
  /** W2 between two samples of the same class, averaged over classes. */
  readonly floor: number;
}

/**
 * Sorts true points by their class.
 * @param targets points with their modes; every class has points
 * @param others a second sample, likewise
 * @param centres the known centres of the classes; by default the means of the first sample
 */
export async function makeClassYardstick(
  starts: Matrix,
  targets: Sample,
  others: Sample,
  centres?: Matrix,
): Promise<ClassYardstick> {
  const [first, second] = [splitByMode(targets), splitByMode(others)];
  const counts = second.map(({ rows }) => Math.min(rows, starts.rows));
  const floors: number[] = [];
  for (const [k, points] of first.entries()) {
    floors.push(Math.sqrt(await squaredW2(firstRows(item(second, k), item(counts, k)), points)));
  }
  return {
    starts,
    centres: centres ?? Matrix.fromRows(first.map(computeMean)),
    targets: first,
    counts,
    floor: sum(floors) / floors.length,
  };
}

function splitByMode({ points, modes }: Sample): Matrix[] {
  if (!modes) throw new Error("a conditional network needs data with modes");
  const { of, count } = modes;
  return Array.from({ length: count }, (_, mode) =>
    pickRows(
      points,
      Array.from(of.keys()).filter((i) => of[i] === mode),
    ),
  );
}

/** Measures of how well a conditional network hits the requested modes or classes. */
export interface ConditionalMeasures {
  /**
   * Share of points nearest to the centre of the requested class: `accuracy` is the mean over
   * classes, `worstAccuracy` the worst class.
   */
  readonly accuracy: number;
  readonly worstAccuracy: number;
  /**
   * Root mean squared deviation, per coordinate, of a class's points from their mean, averaged over
   * classes.
   */
  readonly deviation: number;
  /** W2 from true points of the requested class, averaged over classes. */
  readonly w2: number;
}

/**
 * Measures a conditional network on each class.
 * @param weight weight of classifier-free guidance
 */
export async function measureConditional(
  network: Network,
  { starts, centres, targets, counts }: ClassYardstick,
  { horizon, method = "value" }: PathOptions,
  weight: number,
): Promise<{ readonly ends: readonly Matrix[]; readonly measures: ConditionalMeasures }> {
  const classes = targets.length;
  const ends = targets.map((_, k) => {
    const guidance = { condition: conditionOf(k, classes), weight };
    const gradient = guidedGradient(network, guidance, method);
    return followPolicy(gradient, starts, horizon).at(-1) ?? starts;
  });
  const accuracies = ends.map(
    (points, k) =>
      nearestCentres(points, centres).filter(({ centre }) => centre === k).length / points.rows,
  );
  const distances: number[] = [];
  for (const [k, points] of ends.entries()) {
    const generated = firstRows(points, item(counts, k));
    distances.push(Math.sqrt(await squaredW2(generated, item(targets, k))));
  }
  return {
    ends,
    measures: {
      accuracy: sum(accuracies) / classes,
      worstAccuracy: Math.min(...accuracies),
      deviation: sum(ends.map(computeDeviation)) / classes,
      w2: sum(distances) / classes,
    },
  };
}

function firstRows(points: Matrix, count: number): Matrix {
  return pickRows(
    points,
    Array.from({ length: count }, (_, i) => i),
  );
}

/** Computes the mean of points, d numbers. */
function computeMean(points: Matrix): number[] {
  return Array.from({ length: points.cols }, (_, c) => sum(points.column(c)) / points.rows);
}

function computeDeviation(points: Matrix): number {
  const mean = computeMean(points);
  const centred = new Matrix(points.rows, points.cols);
  mean.forEach((x, c) => centred.column(c).fill(x));
  return Math.sqrt(displacement(centred, points) / points.cols);
}
