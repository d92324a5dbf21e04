// Trains values and flows beside torchcfm, on the same points and with the same network and budget.
import { Matrix, stream } from "@fedclair/linalg";
import { squaredW2 } from "../dist/src/metrics.js";
import { drawSample } from "../dist/src/points.js";
import { canonical, canonicalRate } from "../dist/src/training.js";
import { startPeer } from "../../../../studies/papers/peers.js";
import { trainPolicy } from "./train-policy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

// torchcfm depends on much that flow matching does not use.
const packages = ["torch==2.13.0", "numpy==2.4.6", "scipy==1.17.1", "POT==0.9.7.post1"];
const bare = ["torchcfm==1.0.7"];
const methods = ["flow-matching", "ot-cfm", "sb-cfm"];
const seeds = [1, 2, 3, 4];
const steps = 600;
const draws = { samples: 4000, evaluation: 500 };

/**
 * Trains each flow once per seed on both sides, to eight modes, and value-driven transport here.
 * @returns {Promise<Run[]>} with `method` and `side` as labels; measures
 * `secondsPerStep`, and `w2.1` and `w2.16` in one and 16 steps
 * @throws Fault without Python or its packages
 */
export async function measure() {
  const peer = await startPeer(import.meta.dirname, "flows.py", packages, bare);
  const runs = [];
  for (const seed of seeds) {
    const rng = stream(seed).at("flow peers");
    const target = drawSample("gaussians8", draws.samples, rng.at("target"));
    const starts = drawSample("normal", draws.evaluation, rng.at("starts")).points;
    const goals = drawSample("gaussians8", draws.evaluation, rng.at("goals")).points;
    const score = async (ends) => Math.sqrt(await squaredW2(ends, goals));
    for (const method of ["value", ...methods]) {
      const add = (side, measures) => runs.push({ seed, labels: { method, side }, measures });
      const { ends, secondsPerStep } = await trainHere(method, target, starts, rng.at(method));
      add("fedclair", {
        "w2.1": await score(ends[1]),
        "w2.16": await score(ends[16]),
        secondsPerStep,
      });
      if (method === "value") continue;
      const { sigma } = canonical;
      const points = target.points.toRows();
      const answer = await peer.ask({
        method,
        seed,
        points,
        starts: starts.toRows(),
        sigma,
        steps,
      });
      add("torchcfm", {
        "w2.1": await score(Matrix.fromRows(answer.ends[1])),
        "w2.16": await score(Matrix.fromRows(answer.ends[16])),
        secondsPerStep: answer.secondsPerStep,
      });
    }
  }
  await peer.close();
  return runs;
}

async function trainHere(method, target, starts, rng) {
  const data = { target, source: (count, own) => drawSample("normal", count, own).points };
  const budget = { steps, learningRate: canonicalRate };
  const begin = performance.now();
  const { follow } = await trainPolicy(method, data, 2, budget, rng);
  const secondsPerStep = (performance.now() - begin) / 1000 / steps;
  const after = (count) => follow(starts, count).at(-1);
  return { ends: { 1: after(1), 16: after(16) }, secondsPerStep };
}
