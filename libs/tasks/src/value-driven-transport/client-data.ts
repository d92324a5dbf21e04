import type { Contaminating, Shard } from "@fedclair/core";
import { Matrix, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import type { Options } from "./options.js";
import {
  drawPoints,
  drawRing,
  drawSample,
  normalPair,
  ringLike,
  ringOf,
  type Distribution,
  type Sample,
} from "./points.js";
import { sourceFrom, type TrainingData } from "./training.js";

/** One client's points: the same in every round. */
export function openData(
  { source, target, samples, split }: Options,
  { index, rng, contamination }: Shard,
): TrainingData {
  const honest = drawSample(
    target,
    samples,
    rng.at("target"),
    sharesOf(split, ringOf(target)?.modes, index, rng),
  );
  return {
    target: contamination
      ? contaminated(honest, contamination, target, rng.at("contaminated"))
      : honest,
    source: sourceOf(source, samples, rng.at("source")),
  };
}

/** Normal points are drawn afresh, as anybody can; of another source there are only so many. */
export function sourceOf(
  source: Distribution,
  samples: number,
  rng: Stream,
): TrainingData["source"] {
  return source === "normal"
    ? (count, own) => drawSample("normal", count, own).points
    : sourceFrom(drawSample(source, samples, rng).points);
}

/** How often a client sees each mode; undefined: all alike. @param modes that the target has, if it has any */
function sharesOf(
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

/** Contaminated points in place of honest ones; which mode each claims to be of stays. */
const replacements: Readonly<
  Record<string, (honest: Sample, rng: Stream, target: Distribution) => Matrix>
> = {
  /** On [-5, 5]². */
  uniform: eachPoint((rng) => [10 * rng.uniform() - 5, 10 * rng.uniform() - 5]),
  /** Moved by (4, 0). */
  shift: ({ points }) => {
    const out = points.copy();
    out.column(0).forEach((x, i, column) => (column[i] = x + 4));
    return out;
  },
  /** All near (3, -3). */
  spike: eachPoint((rng) => {
    const [dx, dy] = normalPair(rng, 0.1);
    return [3 + dx, dy - 3];
  }),
  /** Cauchy of scale 3, cut at ±10. */
  heavy: eachPoint((rng) => [cutCauchy(rng), cutCauchy(rng)]),
  /** As many modes as expected, but of radius 1.6 and turned by -0.25. */
  stealth: ({ points }, rng, target) =>
    drawRing({ ...ringLike(target), radius: 1.6, rotation: -0.25 }, points.rows, rng).points,
};

/** By kind: none has options. */
export const contaminations = new Map(
  Object.keys(replacements).map((kind) => [kind, z.strictObject({})]),
);

function contaminated(
  honest: Sample,
  { kind }: Contaminating,
  target: Distribution,
  rng: Stream,
): Sample {
  const replace = replacements[kind];
  if (!replace) throw new Error(`value-driven-transport knows no contamination '${kind}'`);
  return { ...honest, points: replace(honest, rng, target) };
}

function eachPoint(draw: (rng: Stream) => readonly [number, number]) {
  return ({ points }: Sample, rng: Stream) => drawPoints(points.rows, () => draw(rng));
}

function cutCauchy(rng: Stream): number {
  const cauchy = 3 * Math.tan(Math.PI * (rng.uniform() - 0.5));
  return Math.max(-10, Math.min(10, cauchy));
}
