import { asFields, jsonToMatrix, asNumber } from "@fedclair/core/cases";
import { at } from "@fedclair/linalg";
import { classify } from "../../src/copy-average/classify.js";
import { kernels, overlapOf } from "../../src/copy-average/kernels.js";
import { flatten, networkOf } from "../../src/copy-average/network.js";
import { glorot, orthonormal, SeededNormals } from "../../src/copy-average/random.js";
import { LessonLoss } from "../../src/copy-average/train.js";
import { extremes } from "./extremes.js";
import {
  activationOf,
  equal,
  isPresent,
  near,
  networkOfJson,
  numbersOf,
  type Section,
} from "./run.js";

export const kernelCase: Section = ({ act, w, v }) => {
  const kernel = kernels[activationOf(act)];
  const [one, other] = [numbersOf(w, "w"), numbersOf(v, "v")];
  const overlap = overlapOf(one, other);
  const { p, c } = kernel.slopes(overlap);
  const gradient = [...one].map((x, l) => 2 * p * x + c * at(other, l));
  return {
    given: ["act", "w", "v"],
    checks: {
      value: near("value", kernel.value(overlap), 1e-12),
      self: near("self", kernel.value(overlapOf(one, one)), 1e-12),
      grad_w_fd: near("grad_w_fd", gradient, 1e-6),
    },
  };
};

export const lossCase: Section = ({ act, n, d, W, a, V, b, Sigma }) => {
  const lesson = {
    activation: activationOf(act),
    teacher: networkOfJson(V, b),
    ...(isPresent(Sigma) && { covariance: jsonToMatrix(Sigma, "Sigma") }),
  };
  const size = asNumber(n, "n");
  const student = networkOfJson(W, a);
  const loss = new LessonLoss(lesson, size);
  const x = flatten(student);
  const gradient = networkOf(loss.gradient(x), size, asNumber(d, "d"));
  // Of the loss in the given weights, hence only where inputs are N(0, I).
  const { smallest, largest } = isPresent(Sigma)
    ? { smallest: NaN, largest: NaN }
    : extremes(loss.whitened.hessian(x));
  return {
    given: ["act", "n", "k", "d", "W", "a", "V", "b", "Sigma"],
    checks: {
      loss: (expected, report) => {
        const tolerance = 1e-12 * Math.max(1, Math.abs(asNumber(expected, "loss")));
        report.near("loss", loss.value(x), expected, { abs: tolerance, rel: 0 });
      },
      gradW: near("gradW", gradient.hidden.transpose().toRows(), 1e-10),
      grada: near("grada", [...gradient.out], 1e-10),
      hessian_eig_min: near("hessian_eig_min", smallest, 0, 1e-6),
      hessian_eig_max: near("hessian_eig_max", largest, 0, 1e-6),
    },
  };
};

export const randomCase: Section = ({ seed, uniforms, normals }) => {
  const start = asNumber(seed, "seed");
  const uniform = new SeededNormals(start);
  const count = (list: unknown) => (Array.isArray(list) ? list.length : 0);
  const draws = Array.from({ length: count(uniforms) }, () => uniform.uniform());
  return {
    given: ["seed"],
    checks: {
      uniforms: near("uniforms", draws, 1e-15),
      normals: near("normals", [...new SeededNormals(start).normals(count(normals))], 1e-12),
      glorot: (expected, report) => {
        const { seed, n, d, W, a } = asFields(expected, "glorot");
        const normal = new SeededNormals(asNumber(seed, "seed"));
        const network = glorot(asNumber(n, "n"), asNumber(d, "d"), normal);
        near("glorot.W", network.hidden.transpose().toRows(), 1e-12)(W, report);
        near("glorot.a", [...network.out], 1e-12)(a, report);
      },
      orthonormal: (expected, report) => {
        const { seed, k, d, rows } = asFields(expected, "orthonormal");
        const normal = new SeededNormals(asNumber(seed, "seed"));
        const basis = orthonormal(asNumber(k, "k"), asNumber(d, "d"), normal);
        near("orthonormal.rows", basis.transpose().toRows(), 1e-12)(rows, report);
      },
    },
  };
};

/** @param teacher of the section, k×d */
export function classifyCase(teacher: unknown): Section {
  return ({ act, W, a, tol }) => {
    const basis = jsonToMatrix(teacher, "V").transpose();
    const { label, participation } = classify(
      activationOf(act ?? "erf"),
      networkOfJson(W, a),
      basis,
      asNumber(tol, "tol"),
    );
    return {
      given: ["act", "W", "a", "tol"],
      checks: { label: equal("label", label), PR: near("PR", participation, 1e-5) },
    };
  };
}
