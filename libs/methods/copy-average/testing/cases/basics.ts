import { asFields, jsonToMatrix, asNumber } from "@fedclair/core/cases";
import { at } from "@fedclair/linalg";
import { classify } from "../../src/classify.js";
import { kernelOf, overlapOf } from "../../src/kernels.js";
import { flatten, networkOf } from "../../src/network.js";
import { glorot, orthonormal, SeededNormals } from "../../src/random.js";
import { LessonLoss } from "../../src/train.js";
import { findExtremes } from "./extremes.js";
import {
  readActivation,
  checkEqual,
  isPresent,
  checkNear,
  readNetwork,
  readNumbers,
  type Section,
} from "./run.js";

export const kernelCase: Section = ({ act, w, v }) => {
  const kernel = kernelOf[readActivation(act)];
  const [one, other] = [readNumbers(w, "w"), readNumbers(v, "v")];
  const overlap = overlapOf(one, other);
  const { p, c } = kernel.slopes(overlap);
  const gradient = [...one].map((x, l) => 2 * p * x + c * at(other, l));
  return {
    inputs: ["act", "w", "v"],
    checks: {
      value: checkNear("value", kernel.value(overlap), 1e-12),
      self: checkNear("self", kernel.value(overlapOf(one, one)), 1e-12),
      grad_w_fd: checkNear("grad_w_fd", gradient, 1e-6),
    },
  };
};

export const lossCase: Section = ({ act, n, d, W, a, V, b, Sigma }) => {
  const lesson = {
    activation: readActivation(act),
    teacher: readNetwork(V, b),
    ...(isPresent(Sigma) && { covariance: jsonToMatrix(Sigma, "Sigma") }),
  };
  const size = asNumber(n, "n");
  const student = readNetwork(W, a);
  const loss = new LessonLoss(lesson, size);
  const x = flatten(student);
  const gradient = networkOf(loss.gradient(x), size, asNumber(d, "d"));
  // Computed from the loss in the given weights, so this only holds for inputs of N(0, I).
  const { smallest, largest } = isPresent(Sigma)
    ? { smallest: NaN, largest: NaN }
    : findExtremes(loss.whitened.hessian(x));
  return {
    inputs: ["act", "n", "k", "d", "W", "a", "V", "b", "Sigma"],
    checks: {
      loss: (expected, report) => {
        const tolerance = 1e-12 * Math.max(1, Math.abs(asNumber(expected, "loss")));
        report.near("loss", loss.value(x), expected, { abs: tolerance, rel: 0 });
      },
      gradW: checkNear("gradW", gradient.hidden.transpose().toRows(), 1e-10),
      grada: checkNear("grada", [...gradient.out], 1e-10),
      hessian_eig_min: checkNear("hessian_eig_min", smallest, 0, 1e-6),
      hessian_eig_max: checkNear("hessian_eig_max", largest, 0, 1e-6),
    },
  };
};

export const randomCase: Section = ({ seed, uniforms, normals }) => {
  const start = asNumber(seed, "seed");
  const uniform = new SeededNormals(start);
  const count = (list: unknown) => (Array.isArray(list) ? list.length : 0);
  const draws = Array.from({ length: count(uniforms) }, () => uniform.uniform());
  return {
    inputs: ["seed"],
    checks: {
      uniforms: checkNear("uniforms", draws, 1e-15),
      normals: checkNear("normals", [...new SeededNormals(start).normals(count(normals))], 1e-12),
      glorot: (expected, report) => {
        const { seed, n, d, W, a } = asFields(expected, "glorot");
        const normal = new SeededNormals(asNumber(seed, "seed"));
        const network = glorot(asNumber(n, "n"), asNumber(d, "d"), normal);
        checkNear("glorot.W", network.hidden.transpose().toRows(), 1e-12)(W, report);
        checkNear("glorot.a", [...network.out], 1e-12)(a, report);
      },
      orthonormal: (expected, report) => {
        const { seed, k, d, rows } = asFields(expected, "orthonormal");
        const normal = new SeededNormals(asNumber(seed, "seed"));
        const basis = orthonormal(asNumber(k, "k"), asNumber(d, "d"), normal);
        checkNear("orthonormal.rows", basis.transpose().toRows(), 1e-12)(rows, report);
      },
    },
  };
};

/**
 * Creates the section that classifies students of one teacher.
 * @param teacher of the section, k×d
 */
export function classifyCase(teacher: unknown): Section {
  return ({ act, W, a, tol }) => {
    const basis = jsonToMatrix(teacher, "V").transpose();
    const { label, participation } = classify(
      readActivation(act ?? "erf"),
      readNetwork(W, a),
      basis,
      asNumber(tol, "tol"),
    );
    return {
      inputs: ["act", "W", "a", "tol"],
      checks: { label: checkEqual("label", label), PR: checkNear("PR", participation, 1e-5) },
    };
  };
}
