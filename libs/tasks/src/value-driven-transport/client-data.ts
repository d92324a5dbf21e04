import type { Contaminating, Shard } from "@fedclair/core";
import { Matrix, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import type { Options } from "./options.js";
import {
  drawPoints,
  drawRing,
  drawSample,
  drawNormalPair,
  ringLike,
  ringOf,
  type Distribution,
  type Sample,
} from "./points.js";
import { sourceFrom, type TrainingData } from "./training.js";

/** Draws one client's points, which are the same in every round. */
export function openData(
  { source, target, samples, split }: Options,
  { index, rng, contamination }: Shard,
): TrainingData {
  const honest = drawSample(
    target,
    samples,
    rng.at("target"),
    computeModeShares(split, ringOf(target)?.modes, index, rng),
  );
  return {
    target: contamination
      ? contaminate(honest, contamination, target, rng.at("contaminated"))
      : honest,
    source: createSource(source, samples, rng.at("source")),
  };
}

/**
 * Returns a source of points. Normal points are drawn afresh, since anyone can draw them. Any other
 * source is a pool of limited size.
 */
export function createSource(
  source: Distribution,
  samples: number,
  rng: Stream,
): TrainingData["source"] {
  return source === "normal"
    ? (count, own) => drawSample("normal", count, own).points
    : sourceFrom(drawSample(source, samples, rng).points);
}

/**
 * Returns the share of each mode in a client's points; undefined if all modes are equally likely.
 * @param modes number of modes of the target, if it has modes
 */
function computeModeShares(
  split: Options["split"],
  modes: number | undefined,
  index: number,
  rng: Stream,
): Float64Array | undefined {
  if (split === "iid") return undefined;
  if (modes === undefined) throw new Error("a split by modes needs a target with modes");
  if ("dirichlet" in split) return rng.at("modes").dirichlet(modes, split.dirichlet);
  const shares = new Float64Array(modes);
  for (let j = 0; j < split.modes; j++) shares[(index + j) % modes] = 1 / split.modes;
  return shares;
}

/**
 * Contaminated points that replace benign ones. Each keeps the mode that it claims to come from.
 */
const replacements: Readonly<
  Record<string, (honest: Sample, rng: Stream, target: Distribution) => Matrix>
> = {
  /** Uniform on [-5, 5]². */
  uniform: replaceEachPoint((rng) => [10 * rng.uniform() - 5, 10 * rng.uniform() - 5]),
  /** Shifted by (4, 0). */
  shift: ({ points }) => {
    const out = points.copy();
    out.column(0).forEach((x, i, column) => (column[i] = x + 4));
    return out;
  },
  /** Concentrated near (3, -3). */
  spike: replaceEachPoint((rng) => {
    const [dx, dy] = drawNormalPair(rng, 0.1);
    return [3 + dx, dy - 3];
  }),
  /** Cauchy with scale 3, limited to ±10. */
  heavy: replaceEachPoint((rng) => [drawLimitedCauchy(rng), drawLimitedCauchy(rng)]),
  /** The expected number of modes, but with radius 1.6 and rotated by -0.25. */
  stealth: ({ points }, rng, target) =>
    drawRing({ ...ringLike(target), radius: 1.6, rotation: -0.25 }, points.rows, rng).points,
};

/** Kinds of contamination. None has options. */
export const contaminations = new Map(
  Object.keys(replacements).map((kind) => [kind, z.strictObject({})]),
);

function contaminate(
  honest: Sample,
  { kind }: Contaminating,
  target: Distribution,
  rng: Stream,
): Sample {
  const replace = replacements[kind];
  if (!replace) throw new Error(`value-driven-transport knows no contamination '${kind}'`);
  return { ...honest, points: replace(honest, rng, target) };
}

function replaceEachPoint(draw: (rng: Stream) => readonly [number, number]) {
  return ({ points }: Sample, rng: Stream) => drawPoints(points.rows, () => draw(rng));
}

function drawLimitedCauchy(rng: Stream): number {
  const cauchy = 3 * Math.tan(Math.PI * (rng.uniform() - 0.5));
  return Math.max(-10, Math.min(10, cauchy));
}
