import assert from "node:assert/strict";
import { Matrix, multiplyTN, stream, at } from "@fedclair/linalg";
import fc from "fast-check";
import { copyAveragePoint } from "./copy-average-points.js";
import { Distillation } from "./distillation.js";
import { largest } from "./gradient-flow.js";
import { kernelOf, overlapOf, type Activation } from "./kernels.js";
import { flatten, linearPart, squaredDistance, type Network } from "./network.js";
import { unitTeacher } from "./perturbed-copy.js";
import { LessonLoss } from "./train.js";

const activations: readonly Activation[] = ["erf", "relu", "sine"];

function randomNetwork(n: number, d: number, key: string): Network {
  const rng = stream("distillation test").at(key);
  return { hidden: new Matrix(d, n, rng.normals(n * d)), out: rng.normals(n) };
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

/** Computes erf(z/√2) by its series, which converges for all z. 60 terms are enough for |z| < 6. */
function erf(z: number): number {
  const x = Math.min(6, Math.max(-6, z)) / Math.SQRT2;
  let term = x;
  let sum = x;
  for (let m = 1; m < 120; m++) {
    term *= (-x * x) / m;
    sum += term / (2 * m + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const functions: Readonly<Record<Activation, (z: number) => number>> = {
  erf,
  relu: (z) => Math.max(0, z),
  sine: Math.sin,
};

describe("copy-average: kernels", () => {
  it("has the known values: 1/3 and 0 for erf, 1/2 and 1/(2π) for ReLU, (1 − e⁻²)/2 for sine", () => {
    const [x, y] = [Float64Array.of(1, 0), Float64Array.of(0, 1)];
    assertNear(kernelOf.erf.value(overlapOf(x, x)), 1 / 3, 1e-15);
    assertNear(kernelOf.erf.value(overlapOf(x, y)), 0, 1e-15);
    assertNear(kernelOf.relu.value(overlapOf(x, x)), 1 / 2, 1e-15);
    assertNear(kernelOf.relu.value(overlapOf(x, y)), 1 / (2 * Math.PI), 1e-15);
    // E sin² = (1 − E cos(2z))/2, and E cos(2z) = e⁻².
    assertNear(kernelOf.sine.value(overlapOf(x, x)), (1 - Math.exp(-2)) / 2, 1e-15);
    // For ReLU, σ(z) and σ(−z) are never both above 0.
    assertNear(kernelOf.relu.value(overlapOf(x, Float64Array.of(-2, 0))), 0, 1e-15);
  });
});

describe("copy-average: loss", () => {
  for (const activation of activations) {
    it(`agrees with a mean over 200 000 inputs (${activation})`, () => {
      const student = randomNetwork(2, 3, "student");
      const teacher = randomNetwork(3, 3, "teacher");
      const rng = stream("inputs");
      const sigma = functions[activation];
      const computeOutput = ({ hidden, out }: Network, x: Matrix) =>
        multiplyTN(hidden, x).data.reduce((sum, z, i) => sum + at(out, i) * sigma(z), 0);
      const count = 200_000;
      let [sum, squares] = [0, 0];
      for (let s = 0; s < count; s++) {
        const x = new Matrix(3, 1, rng.normals(3));
        const squared = (computeOutput(student, x) - computeOutput(teacher, x)) ** 2;
        sum += squared;
        squares += squared ** 2;
      }
      const mean = sum / count;
      const standardError = Math.sqrt((squares / count - mean ** 2) / count);
      const exact = squaredDistance(activation, student, teacher);
      assertNear(mean, exact, 4 * standardError);
      assertNear(mean, exact, 1.5e-2 * exact);
    }).timeout(10_000);

    it(`agrees with central differences in gradient and Hessian (${activation})`, () => {
      fc.assert(
        fc.property(fc.nat(1000), (key) => {
          const teacher = randomNetwork(3, 4, `teacher ${key}`);
          const loss = new Distillation(activation, teacher, 2);
          const x = flatten(randomNetwork(2, 4, `student ${key}`));
          const gradient = loss.gradient(x);
          const hessian = loss.hessian(x);
          const [size, curvature] = [1 + largest(gradient), 1 + largest(hessian.data)];
          const step = 1e-5;
          x.forEach((_, i) => {
            const shift = (by: number) => x.map((value, j) => (i === j ? value + by : value));
            const slope = (loss.value(shift(step)) - loss.value(shift(-step))) / (2 * step);
            assertNear(at(gradient, i), slope, 1e-6 * size);
            const [ahead, behind] = [loss.gradient(shift(step)), loss.gradient(shift(-step))];
            hessian.column(i).forEach((entry, j) => {
              const change = (at(ahead, j) - at(behind, j)) / (2 * step);
              assertNear(entry, change, 1e-6 * curvature);
            });
          });
        }),
        { numRuns: 30 },
      );
    });

    it(`has a gradient for correlated inputs too (${activation})`, () => {
      const covariance = Matrix.fromRows([
        [2, 0.5],
        [0.5, 1],
      ]);
      const lesson = { activation, teacher: randomNetwork(3, 2, "t"), covariance };
      const loss = new LessonLoss(lesson, 2);
      const x = flatten(randomNetwork(2, 2, "s"));
      const gradient = loss.gradient(x);
      x.forEach((_, i) => {
        const shift = (by: number) => x.map((value, j) => (i === j ? value + by : value));
        const slope = (loss.value(shift(1e-5)) - loss.value(shift(-1e-5))) / 2e-5;
        assertNear(at(gradient, i), slope, 1e-6 * (1 + largest(gradient)));
      });
      const back = loss.unwhiten(loss.whiten(x));
      back.forEach((value, i) => {
        assertNear(value, at(x, i), 1e-14);
      });
    });
  }

  it("depends only on a·|w| for a ReLU student of one neuron", () => {
    const teacher = unitTeacher(3);
    const student = randomNetwork(1, 4, "scaled");
    const scaled = { hidden: student.hidden.scale(5), out: student.out.map((a) => a / 5) };
    assertNear(
      squaredDistance("relu", scaled, teacher),
      squaredDistance("relu", student, teacher),
      1e-14,
    );
  });

  it("rejects inputs whose covariance is not positive definite", () => {
    const covariance = Matrix.fromRows([
      [1, 2],
      [2, 1],
    ]);
    const lesson = { activation: "erf", teacher: randomNetwork(2, 2, "t"), covariance } as const;
    assert.throws(() => new LessonLoss(lesson, 1), /expected a positive definite matrix/);
  });
});

describe("copy-average: critical points", () => {
  const listPartitions = (k: number): number[][][] =>
    k === 0
      ? [[]]
      : listPartitions(k - 1).flatMap((groups) => [
          ...groups.map((_, i) => groups.map((g, j) => (i === j ? [...g, k - 1] : g))),
          [...groups, [k - 1]],
        ]);

  it("include all partitions of the teacher neurons, for k up to 6", () => {
    for (let k = 1; k <= 6; k++) {
      const teacher = unitTeacher(k);
      for (const groups of listPartitions(k)) {
        const point = copyAveragePoint(teacher.hidden, groups);
        const loss = new Distillation("erf", teacher, groups.length);
        assert.ok(largest(loss.gradient(flatten(point))) <= 1e-12);
      }
    }
  });

  it("exclude groups that leave a teacher neuron out", () => {
    const teacher = unitTeacher(5);
    const point = copyAveragePoint(teacher.hidden, [[0], [1], [2, 3]]);
    const slope = largest(new Distillation("erf", teacher, 3).gradient(flatten(point)));
    assert.ok(slope >= 1e-2, `${slope}`);
  });

  it("agree on the linear part of the function, Σ v_j/√π", () => {
    const teacher = unitTeacher(4);
    for (const groups of listPartitions(4)) {
      const part = linearPart("erf", copyAveragePoint(teacher.hidden, groups));
      [1, 1, 1, 1, 0].forEach((expected, l) => {
        assertNear(at(part, l), expected / Math.sqrt(Math.PI), 1e-14);
      });
    }
  });
});
