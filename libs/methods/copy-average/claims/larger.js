// Where gradient flows of larger erf teachers end, and which points are minima, up to k = 50.
import { join } from "node:path";
import { cholesky } from "@fedclair/linalg";
import { readRuns, runSweep } from "../../../../studies/papers/runs.js";
import {
  copyAveragePoint,
  groupsOfSizes,
  optimalCopyAverageLoss,
  optimalSizes,
} from "../dist/src/copy-average-points.js";
import { Distillation } from "../dist/src/distillation.js";
import { flatten } from "../dist/src/network.js";
import { perturbedCopy, unitTeacher } from "../dist/src/perturbed-copy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const sweep = "libs/methods/copy-average/sweeps/copy-average-phases.yaml";
/** Sizes of students by the size of the teacher. */
const flows = { 12: [6, 8, 10], 16: [8, 10] };
const clients = 10;
const teachers = [8, 12, 16, 20, 32, 50];

/**
 * @param {string} out folder for the flows' runs
 * @returns {Promise<Run[]>} with the labels `part` and `k`. Part `flows` has the label `n`, and the
 * numbers `averaging` and `copying` of `flows`. Part `points` has three sizes of the student, each
 * k if there is none. The perturbed copy is a minimum from `minimum` on, and has the smaller loss
 * from `better` on. The optimal copy-average point is no minimum from `saddle` on
 */
export async function measure(out, { wants = () => true } = {}) {
  const runs = [];
  for (const [k, sizes] of Object.entries(flows)) {
    if (!wants({ part: "flows", k })) continue;
    for (const n of sizes) {
      const task = `[{name: copy-average, k: ${k}, n: ${n}, d: ${Number(k) + 1}, heterogeneity: 0}]`;
      const folder = join(out, `${k}-${n}`);
      await runSweep(sweep, folder, { set: [`clients=${clients}`, `task=${task}`] });
      const [{ measures }] = readRuns(folder);
      const [averaging, copying] = ["averaging", "copying"].map((end) =>
        Math.round(clients * measures[`global.${end}Share.fedavg`]),
      );
      const labels = { part: "flows", k, n: String(n) };
      runs.push({ seed: 1, labels, measures: { averaging, copying, flows: clients } });
    }
  }
  for (const k of teachers) {
    const labels = { part: "points", k: String(k) };
    if (wants(labels)) runs.push({ seed: 1, labels, measures: await comparePoints(k) });
  }
  return runs;
}

async function comparePoints(k) {
  const copy = async (n) => (await perturbedCopy(n, k)).student;
  const teacher = unitTeacher(k).hidden;
  const average = (n) => copyAveragePoint(teacher, groupsOfSizes(optimalSizes(n, k)));
  return {
    minimum: await leastSize(k, async (n) => isMinimum(await copy(n), n, k)),
    better: await leastSize(k, async (n) => {
      return (await perturbedCopy(n, k)).loss < optimalCopyAverageLoss(n, k);
    }),
    saddle: await leastSize(k, async (n) => !isMinimum(average(n), n, k)),
  };
}

/** The least n of 2 … k − 1 from which on something is so, by bisection; k if it is nowhere so. */
async function leastSize(k, isSo) {
  let [low, high] = [2, k];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await isSo(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether the Hessian of the loss is positive definite. */
function isMinimum(student, n, k) {
  return (
    cholesky(new Distillation("erf", unitTeacher(k), n).hessian(flatten(student))) !== undefined
  );
}
