import type { Metrics } from "@fedclair/core";
import { item, Matrix, mean, sum } from "@fedclair/linalg";
import type { TransportMethod } from "./flow.js";
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
import { conditionOf, noCondition } from "./training.js";

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
interface PathOptions {
  /** K, the number of steps of the paths. */
  readonly horizon: number;
  /** Default: value. */
  readonly method?: TransportMethod;
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
  /** What true points measure: the values that a perfect network would have. */
  readonly truth: TrueMeasures;
}

/** Measures of true points. */
interface TrueMeasures {
  /** W2 between two samples of the same class, averaged over classes. */
  readonly w2: number;
  /** As those of `ConditionalMeasures`. */
  readonly accuracy: number;
  readonly deviation: number;
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
  const ownCentres = centres ?? Matrix.fromRows(first.map(computeMean));
  return {
    starts,
    centres: ownCentres,
    targets: first,
    counts,
    truth: {
      w2: await averageW2(second, { targets: first, counts }),
      accuracy: mean(measureAccuracies(second, ownCentres)),
      deviation: mean(second.map(computeDeviation)),
    },
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
interface ConditionalMeasures {
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
  /** The same for points generated in k steps, as `classW2Steps.k`. */
  readonly bySteps: Metrics;
}

/**
 * Measures a conditional network on each class.
 * @param weight weight of classifier-free guidance
 */
export async function measureConditional(
  network: Network,
  yardstick: ClassYardstick,
  { horizon, method = "value", measureSteps = [] }: PathOptions,
  weight: number,
): Promise<{ readonly ends: readonly Matrix[]; readonly measures: ConditionalMeasures }> {
  const { starts, centres, targets, counts } = yardstick;
  const generate = (k: number, from: Matrix, steps: number) => {
    const guidance = { condition: conditionOf(k, targets.length), weight };
    return followPolicy(guidedGradient(network, guidance, method), from, steps).at(-1) ?? from;
  };
  const ends = targets.map((_, k) => generate(k, starts, horizon));
  const accuracies = measureAccuracies(ends, centres);
  const bySteps: [string, number][] = [];
  for (const steps of measureSteps) {
    const generated = counts.map((count, k) => generate(k, firstRows(starts, count), steps));
    bySteps.push([`classW2Steps.${steps}`, await averageW2(generated, yardstick)]);
  }
  return {
    ends,
    measures: {
      accuracy: mean(accuracies),
      worstAccuracy: Math.min(...accuracies),
      deviation: mean(ends.map(computeDeviation)),
      w2: await averageW2(ends, yardstick),
      bySteps: Object.fromEntries(bySteps),
    },
  };
}

/**
 * Measures what a request changes: W2 from true points of each class, averaged over classes, of
 * points that a conditional network generates without a request.
 */
export async function measureWithoutRequest(
  network: Network,
  yardstick: ClassYardstick,
  { horizon, method = "value" }: PathOptions,
): Promise<number> {
  const { starts, targets } = yardstick;
  const gradient = guidedGradient(
    network,
    { condition: noCondition(targets.length), weight: 0 },
    method,
  );
  const points = followPolicy(gradient, starts, horizon).at(-1) ?? starts;
  return averageW2(
    targets.map(() => points),
    yardstick,
  );
}

/**
 * Averages over classes the W2 between points and true points of the class.
 * @param points per class; as many as the yardstick counts are compared
 */
async function averageW2(
  points: readonly Matrix[],
  { targets, counts }: Pick<ClassYardstick, "targets" | "counts">,
): Promise<number> {
  const distances: number[] = [];
  for (const [k, own] of points.entries()) {
    const compared = firstRows(own, item(counts, k));
    distances.push(Math.sqrt(await squaredW2(compared, item(targets, k))));
  }
  return mean(distances);
}

/** Computes, per class, the share of its points that are nearest to the centre of the class. */
function measureAccuracies(points: readonly Matrix[], centres: Matrix): number[] {
  return points.map(
    (own, k) => nearestCentres(own, centres).filter(({ centre }) => centre === k).length / own.rows,
  );
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
