import { asFields, asNumber, type Report } from "@fedclair/core/cases";
import {
  averagingLoss,
  copyAveragePoint,
  groupsOfSizes,
  oneReluNeuron,
  optimalCopyAverageLoss,
  optimalSizes,
} from "../../src/copy-average-points.js";
import { Distillation } from "../../src/distillation.js";
import { largest } from "../../src/gradient-flow.js";
import { flatten, squaredDistance, type Network } from "../../src/network.js";
import { perturbedCopy, unitTeacher } from "../../src/perturbed-copy.js";
import { glorot, SeededNormals } from "../../src/random.js";
import { train } from "../../src/train.js";
import { findExtremes } from "./extremes.js";
import { checkAtMost, checkEqual, checkNear, readNumbers, type Section } from "./run.js";

/** Checks one neuron by formula for every k, and by training from a random start up to k = 10. */
export const oneNeuronCase: Section = async ({ k }) => {
  const size = asNumber(k, "k");
  const { outTimesNorm, loss } = oneReluNeuron(size);
  const formulas: Results = {
    erf: { norm: 1 / Math.sqrt(2 * size - 1), a: size, loss: averagingLoss(size) },
    relu: { a_times_norm: outTimesNorm, loss },
  };
  const trained = size <= 10 ? await trainOneNeuron(size) : undefined;
  const check = (name: string) => (expected: unknown, report: Report) => {
    for (const [field, value] of Object.entries(asFields(expected, name))) {
      checkNear(`${name}.${field}`, formulas[name]?.[field], 1e-12, 1e-12)(value, report);
      if (!trained) continue;
      checkNear(`${name}.${field} by training`, trained[name]?.[field], 1e-6)(value, report);
    }
  };
  return { inputs: ["k"], checks: { erf: check("erf"), relu: check("relu") } };
};

/** Results by activation and field. */
type Results = Readonly<Record<string, Readonly<Record<string, number>>>>;

async function trainOneNeuron(k: number): Promise<Results> {
  const teacher = unitTeacher(k);
  const start = glorot(1, k + 1, new SeededNormals(1));
  const positive = { ...start, out: start.out.map(Math.abs) };
  const erf = await train({ activation: "erf", teacher }, start);
  const relu = await train({ activation: "relu", teacher }, positive);
  const norm = computeNorm(erf.student);
  const [a = NaN] = erf.student.out;
  const [b = NaN] = relu.student.out;
  return {
    erf: { norm, a: Math.abs(a), loss: erf.loss },
    relu: { a_times_norm: b * computeNorm(relu.student), loss: relu.loss },
  };
}

export const optimalCase: Section = ({ k, n }) => {
  const sizes = optimalSizes(asNumber(n, "n"), asNumber(k, "k"));
  const formula = optimalCopyAverageLoss(sizes.length, asNumber(k, "k"));
  return {
    inputs: ["k", "n"],
    checks: {
      loss: (expected, report) => {
        checkNear("loss", formula, 1e-10)(expected, report);
        checkPoint(sizes, expected, report);
      },
    },
  };
};

export const partitionCase: Section = ({ sizes }) => ({
  inputs: ["sizes"],
  checks: {
    loss: (expected, report) => {
      checkPoint([...readNumbers(sizes, "sizes")], expected, report);
    },
  },
});

/** Checks that the constructed point has the expected loss and is critical. */
function checkPoint(sizes: readonly number[], expected: unknown, report: Report): void {
  const { point, teacher } = createPoint(sizes);
  const slope = largest(new Distillation("erf", teacher, sizes.length).gradient(flatten(point)));
  checkNear("loss of the point", squaredDistance("erf", point, teacher), 1e-10)(expected, report);
  checkAtMost("gradient at the point", slope, 1e-12)(undefined, report);
}

function createPoint(sizes: readonly number[]) {
  const teacher = unitTeacher(sizes.reduce((sum, size) => sum + size, 0));
  return { teacher, point: copyAveragePoint(teacher.hidden, groupsOfSizes(sizes)) };
}

export const perturbedCopyCase: Section = async ({ k, n }) => {
  const [total, size] = [asNumber(k, "k"), asNumber(n, "n")];
  const perturbed = await perturbedCopy(size, total);
  const { point } = createPoint(optimalSizes(size, total));
  const loss = new Distillation("erf", unitTeacher(total), size);
  const curvature = findExtremes(loss.hessian(flatten(perturbed.student))).smallest;
  const other = findExtremes(loss.hessian(flatten(point))).smallest;
  return {
    inputs: ["k", "n"],
    checks: {
      alpha: checkNear("alpha", perturbed.alpha, 1e-5),
      beta: checkNear("beta", perturbed.beta, 1e-5),
      delta: checkNear("delta", perturbed.delta, 1e-5),
      a: checkNear("a", perturbed.out, 1e-5),
      norm: checkNear("norm", computeNorm(perturbed.student), 1e-5),
      loss: checkNear("loss", perturbed.loss, 1e-8),
      hessian_min: checkNear("hessian_min", curvature, 1e-6, 1e-4),
      is_minimum: checkEqual("is_minimum", curvature > 0),
      copy_average_loss: checkNear(
        "copy_average_loss",
        squaredDistance("erf", point, unitTeacher(total)),
        1e-8,
      ),
      copy_average_hessian_min: checkNear("copy_average_hessian_min", other, 1e-6, 1e-4),
      copy_average_is_minimum: checkEqual("copy_average_is_minimum", other > 0),
    },
  };
};

function computeNorm({ hidden }: Network): number {
  return Math.hypot(...hidden.column(0));
}
