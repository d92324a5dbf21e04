// Value-driven transport and OT-CFM with less data, and from another source than in training.
import { Matrix, stream } from "@fedclair/linalg";
import { squaredW2 } from "../dist/src/metrics.js";
import { drawSample } from "../dist/src/points.js";
import { canonical, canonicalRate } from "../dist/src/training.js";
import { trainPolicy } from "./train-policy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const steps = 400;
/** Points in the training set. */
const sizes = [50, 200, 800, 4000];
const evaluation = 400;
/** Half of the side of a square whose points have variance 1. */
const half = Math.sqrt(3);

/**
 * Trains from normal points to eight modes.
 * @returns {Promise<Run[]>} with `method` and `size` as labels; measures W2 in ten steps, `w2`, and
 * `otherSource` from points that are uniform on a square
 */
export async function measure(_, { seeds = 5 }) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const size of sizes) {
      const rng = stream(seed).at("varied");
      const draw = (place, count, name) => drawSample(place, count, rng.at(name)).points;
      const data = {
        target: { points: draw("gaussians8", size, "data") },
        source: (count, own) => drawSample("normal", count, own).points,
      };
      const goals = draw("gaussians8", evaluation, "goals");
      const floor = Math.sqrt(await squaredW2(draw("gaussians8", evaluation, "others"), goals));
      const square = rng.at("square");
      const starts = {
        w2: draw("normal", evaluation, "starts"),
        otherSource: new Matrix(
          evaluation,
          2,
          Float64Array.from({ length: 2 * evaluation }, () => half * (2 * square.uniform() - 1)),
        ),
      };
      for (const method of ["value", "ot-cfm"]) {
        const budget = { steps, learningRate: canonicalRate };
        const { follow } = await trainPolicy(method, data, 2, budget, rng);
        const measures = { floor };
        for (const [name, points] of Object.entries(starts)) {
          const ends = follow(points, canonical.horizon).at(-1);
          measures[name] = Math.sqrt(await squaredW2(ends, goals));
        }
        runs.push({ seed, labels: { method, size: String(size) }, measures });
      }
    }
  }
  return runs;
}
