import type { Shard, Task } from "@fedclair/core";
import type { Matrix, Stream } from "@fedclair/linalg";
import type { Options } from "./options.js";
import {
  drawSample,
  ringLike,
  ringOf,
  type Distribution,
  type Ring,
  type Sample,
} from "./points.js";
import { noCondition, sourceFrom, type TrainingData } from "./training.js";

/** Where transport starts and ends: distributions, or the user's own points. */
export interface World {
  /** d, the number of coordinates of a point */
  readonly dimensions: number;
  /** A ring like the target, for contaminated points. */
  readonly ring: Ring;
  /** Names of the target's modes or classes; empty if it has none. */
  readonly classes: readonly string[];
  /** Returns a client's points of the target, n×d, before any are contaminated. */
  target(shard: Shard): Sample;
  /** Returns a source of starting points. */
  source(rng: Stream): TrainingData["source"];
  /** Draws starting points for measuring, n×d. */
  starts(count: number, rng: Stream): Matrix;
  /** Returns two samples of the target that no client holds, at most `count`×d each. */
  fresh(count: number, rng: Stream): FreshPoints;
  /** The members of the task that follow from the data. */
  readonly members?: Pick<Task, "checkClients" | "clientLabel" | "notice">;
}

/** Two samples of the target, of equal size. */
interface FreshPoints {
  readonly targets: Sample;
  readonly otherTargets: Sample;
}

/**
 * Returns the condition that allows any mode: zeros for a conditional network, and empty for
 * others.
 */
export function openCondition(
  { conditional }: Pick<Options, "conditional">,
  { classes }: Pick<World, "classes">,
): readonly number[] {
  return conditional ? noCondition(classes.length) : [];
}

/** Opens simulated points in the plane. */
export function simulatePoints(
  { samples, split }: Options,
  source: Distribution,
  target: Distribution,
): World {
  return {
    dimensions: 2,
    ring: ringLike(target),
    classes: Array.from({ length: ringOf(target)?.modes ?? 0 }, (_, mode) => String(mode)),
    target: ({ index, rng }) =>
      drawSample(
        target,
        samples,
        rng.at("target"),
        computeModeShares(split, ringOf(target)?.modes, index, rng),
      ),
    source: (rng) => createSource(source, samples, rng),
    starts: (count, rng) => drawSample(source, count, rng).points,
    fresh: (count, rng) => ({
      targets: drawSample(target, count, rng.at("targets")),
      otherTargets: drawSample(target, count, rng.at("other targets")),
    }),
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
