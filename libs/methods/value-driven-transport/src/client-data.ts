import type { Contaminating, Shard } from "@fedclair/core";
import { Matrix, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import type { Options } from "./options.js";
import { drawPoints, drawRing, isTable, type Ring, type Sample } from "./points.js";
import type { TrainingData } from "./training.js";
import type { World } from "./world.js";

/** Opens one client's points, which are the same in every round. */
export function openData(world: World, shard: Shard): TrainingData {
  const { rng, contamination } = shard;
  const honest = world.target(shard);
  return {
    target: contamination
      ? contaminate(honest, contamination, world.ring, rng.at("contaminated"))
      : honest,
    source: world.source(rng.at("source")),
  };
}

/** The kinds of contamination of the user's own points, which have no modes. */
export function contaminationsOf({ target }: Options): typeof contaminations {
  return isTable(target) ? ownContaminations : contaminations;
}

/**
 * Contaminated points that replace benign ones. Each keeps the mode that it claims to come from.
 */
const replacements: Readonly<Record<string, (honest: Sample, rng: Stream, ring: Ring) => Matrix>> =
  {
    /** Uniform on [-5, 5] in every coordinate. */
    uniform: replaceEachPoint((rng) => 10 * rng.uniform() - 5),
    /** Shifted by 4 in the first coordinate. */
    shift: ({ points }) => {
      const out = points.copy();
      out.column(0).forEach((x, i, column) => (column[i] = x + 4));
      return out;
    },
    /** Concentrated near (3, -3, 3, …). */
    spike: replaceEachPoint((rng, c) => 0.1 * rng.normal() + (c % 2 === 0 ? 3 : -3)),
    /** Cauchy with scale 3, limited to ±10. */
    heavy: replaceEachPoint((rng) => drawLimitedCauchy(rng)),
    /** The expected number of modes, but with radius 1.6 and rotated by -0.25. */
    stealth: ({ points }, rng, ring) =>
      drawRing({ ...ring, radius: 1.6, rotation: -0.25 }, points.rows, rng).points,
  };

/** Kinds of contamination. None has options. */
export const contaminations = new Map(
  Object.keys(replacements).map((kind) => [kind, z.strictObject({})]),
);

const ownContaminations: typeof contaminations = new Map(
  [...contaminations].filter(([kind]) => kind !== "stealth"),
);

function contaminate(honest: Sample, { kind }: Contaminating, ring: Ring, rng: Stream): Sample {
  const replace = replacements[kind];
  if (!replace) throw new Error(`value-driven-transport knows no contamination '${kind}'`);
  return { ...honest, points: replace(honest, rng, ring) };
}

/** @param draw draws coordinate `c` of a point */
function replaceEachPoint(draw: (rng: Stream, c: number) => number) {
  return ({ points: { rows, cols } }: Sample, rng: Stream) => {
    const coordinates = Array.from({ length: cols }, (_, c) => c);
    return drawPoints(rows, () => coordinates.map((c) => draw(rng, c)), cols);
  };
}

function drawLimitedCauchy(rng: Stream): number {
  const cauchy = 3 * Math.tan(Math.PI * (rng.uniform() - 0.5));
  return Math.max(-10, Math.min(10, cauchy));
}
