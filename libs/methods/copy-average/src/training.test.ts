import assert from "node:assert/strict";
import { Matrix, at, item } from "@fedclair/linalg";
import { classify, tolerances } from "./classify.js";
import { averagingLoss, copyAveragePoint } from "./copy-average-points.js";
import { Distillation, type Objective } from "./distillation.js";
import { gradientFlow, largest } from "./gradient-flow.js";
import { measureEndPoints } from "./measure.js";
import { flatten } from "./network.js";
import { perturbedCopy, unitTeacher } from "./perturbed-copy.js";
import { polish } from "./polish.js";
import { glorot, SeededNormals } from "./random.js";
import { convergedSlope, train } from "./train.js";

describe("copy-average: gradient flow", () => {
  it("follows dx/dt = −x to e^(−t)", async () => {
    // From 1 the slope is x itself, so the flow ends just below 3e-3, the slope at which it stops.
    const { x, evaluations } = await gradientFlow((point) => point.slice(), Float64Array.of(1));
    assert.ok(at(x, 0) < 3e-3 && at(x, 0) > 0);
    assert.ok(evaluations < 400);
  });

  it("stops after 20 000 gradients if there is no minimum", async () => {
    const { evaluations } = await gradientFlow(() => Float64Array.of(1), Float64Array.of(0));
    assert.ok(evaluations >= 20_000 && evaluations < 20_010);
  });

  it("takes smaller steps if the gradient is not finite", async () => {
    const { x } = await gradientFlow(
      ([index = NaN]) => Float64Array.of(Math.abs(index) > 2 ? NaN : index),
      Float64Array.of(1.9),
    );
    assert.ok(Math.abs(at(x, 0)) < 3e-3);
  });
});

describe("copy-average: polish", () => {
  /** (x² − 1)²/4 + y²/2 has minima at x = ±1 and a saddle at 0. */
  const doubleWell: Objective = {
    value: ([x = NaN, y = NaN]) => (x * x - 1) ** 2 / 4 + (y * y) / 2,
    gradient: ([x = NaN, y = NaN]) => Float64Array.of(x * (x * x - 1), y),
    hessian: ([x = NaN]) => new Matrix(2, 2, Float64Array.of(3 * x * x - 1, 0, 0, 1)),
  };

  it("ends at a minimum, even from a start near a saddle", async () => {
    const [x = NaN, y = NaN] = await polish(doubleWell, Float64Array.of(1e-3, 0.5));
    assert.ok(Math.abs(x - 1) < 1e-11 && Math.abs(y) < 1e-11);
  });

  it("leaves a perturbed copy that is a saddle", async () => {
    const { student, loss } = await perturbedCopy(2, 6);
    const start = flatten(student).map((x, i) => x + 1e-3 * Math.sin(i));
    const objective = new Distillation("erf", unitTeacher(6), 2);
    const end = await polish(objective, start);
    assert.ok(objective.value(end) < loss - 1e-3);
    assert.ok(largest(objective.gradient(end)) <= 1e-11);
  });
});

describe("copy-average: training", () => {
  it("converges, and repeats the same bits", async () => {
    const lesson = { activation: "erf", teacher: unitTeacher(4) } as const;
    const start = glorot(2, 5, new SeededNormals(3));
    const [one, two] = [await train(lesson, start), await train(lesson, start)];
    assert.deepEqual(one, two);
    assert.ok(one.slope <= convergedSlope);
    const { label } = classify("erf", one.student, lesson.teacher.hidden, tolerances.trained);
    assert.equal(label, "copy-average-optimal");
  });
});

describe("copy-average: end points", () => {
  it("are counted, with the mean loss of each kind", () => {
    const teacher = unitTeacher(4);
    const students = [
      copyAveragePoint(teacher.hidden, [[0], [1, 2, 3]]),
      copyAveragePoint(teacher.hidden, [[0, 1], [2, 3]]), // oxfmt-ignore
      copyAveragePoint(teacher.hidden, [[0], [1]]),
      { hidden: new Matrix(5, 2), out: Float64Array.of(1, 1) },
    ];
    const metrics = measureEndPoints("erf", teacher, students);
    assert.deepEqual([metrics.averagingShare, metrics.copyingShare], [0.5, 0.25]);
    // L*(3) of the first and 2·L*(2) of the second.
    const averaging = (averagingLoss(3) + 2 * averagingLoss(2)) / 2;
    assert.ok(Math.abs((metrics.averagingLoss ?? NaN) - averaging) < 1e-12);
    // Two of four orthonormal neurons are missing, each with E erf² = 1/3.
    assert.ok(Math.abs((metrics.copyingLoss ?? NaN) - 2 / 3) < 1e-12);
    assert.deepEqual(measureEndPoints("erf", teacher, []), {});
  });
});

describe("copy-average: labels", () => {
  const { hidden: basis } = unitTeacher(4);

  it("distinguish copies, averages and dead neurons", () => {
    const findLabel = (groups: number[][], tolerance = 1e-6) =>
      classify("erf", copyAveragePoint(basis, groups), basis, tolerance).label;
    assert.equal(findLabel([[2], [0, 1, 3]]), "copy-average-optimal");
    assert.equal(findLabel([[0, 1], [2, 3]]), "copy-average"); // oxfmt-ignore
    assert.equal(findLabel([[0], [3]]), "perturbed-copy");
    const dead = { hidden: new Matrix(5, 2), out: Float64Array.of(1, 1) };
    const { label, participation } = classify("erf", dead, basis, 1e-6);
    assert.equal(label, "degenerate");
    assert.deepEqual(participation, [0, 0]);
  });

  it("count the teacher neurons that a neuron follows", () => {
    const { participation } = classify("erf", copyAveragePoint(basis, [[2], [0, 1, 3]]), basis, 1);
    [1, 3].forEach((expected, i) => {
      assert.ok(Math.abs(item(participation, i) - expected) < 1e-12);
    });
  });
});
