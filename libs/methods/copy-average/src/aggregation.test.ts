import assert from "node:assert/strict";
import { Matrix, stream, item, at } from "@fedclair/linalg";
import fc from "fast-check";
import { assign } from "./assignment.js";
import { copyAveragePoint } from "./copy-average-points.js";
import type { Activation } from "./kernels.js";
import { average, match } from "./match.js";
import { squaredDistance, type Network } from "./network.js";
import { unitTeacher } from "./perturbed-copy.js";
import { redistil } from "./redistil.js";
import { distanceLimit, linearLimit, signalsOf } from "./signals.js";

const teacher = unitTeacher(6);

/** Creates the student that copies two teacher neurons and averages the others. */
function createStudent(first: number, second: number): Network {
  const rest = [0, 1, 2, 3, 4, 5].filter((j) => j !== first && j !== second);
  return copyAveragePoint(teacher.hidden, [[first], [second], rest]);
}

/**
 * Writes the same function differently: neurons in another order, some with both signs flipped
 * (erf) or rescaled (ReLU).
 */
function disguise({ hidden, out }: Network, order: readonly number[], factors: readonly number[]) {
  const mixed = new Matrix(hidden.rows, hidden.cols);
  order.forEach((neuron, place) => {
    mixed.column(place).set(hidden.column(neuron).map((x) => x * item(factors, place)));
  });
  const mixedOut = order.map((neuron, place) => at(out, neuron) / item(factors, place));
  return { hidden: mixed, out: Float64Array.from(mixedOut) };
}

describe("copy-average: assignment", () => {
  it("assigns the second-best column if the best is needed elsewhere", () => {
    const cost = Matrix.fromRows([
      [1, 2, 9],
      [1, 9, 9],
      [9, 9, 5],
    ]);
    assert.deepEqual(assign(cost), [1, 0, 2]);
  });

  it("costs as little as the best permutation", () => {
    const permutations = (items: number[]): number[][] =>
      items.length === 0
        ? [[]]
        : items.flatMap((index) =>
            permutations(items.filter((other) => other !== index)).map((rest) => [index, ...rest]),
          );
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 5 })
          .chain((n) =>
            fc.array(fc.integer({ min: -20, max: 20 }), { minLength: n * n, maxLength: n * n }),
          ),
        (entries) => {
          const n = Math.sqrt(entries.length);
          const cost = new Matrix(n, n, Float64Array.from(entries));
          const total = (columns: readonly number[]) =>
            columns.reduce((sum, column, row) => sum + cost.get(row, column), 0);
          const columns = assign(cost);
          assert.equal(new Set(columns).size, n);
          const best = Math.min(...permutations([...cost.toRows().keys()]).map(total));
          assert.equal(total(columns), best);
        },
      ),
    );
  });
});

describe("copy-average: matching", () => {
  const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  const cases: [Activation, fc.Arbitrary<number>][] = [
    ["erf", fc.constantFrom(-1, 1)],
    ["relu", fc.constantFrom(0.25, 1, 8)],
  ];
  for (const [activation, factor] of cases) {
    it(`undoes permutations and rescalings that keep the function (${activation})`, () => {
      const transformation = fc.tuple(order, fc.array(factor, { minLength: 3, maxLength: 3 }));
      fc.assert(
        fc.property(fc.array(transformation, { minLength: 1, maxLength: 5 }), (disguises) => {
          const students = disguises.map(([order, factors]) =>
            disguise(createStudent(0, 1), order, factors),
          );
          const { mean } = match(activation, students);
          assert.ok(squaredDistance(activation, mean, createStudent(0, 1)) < 1e-13);
        }),
      );
    });
  }

  it("cannot merge students that copy different neurons, while redistilling mostly can", async () => {
    const students = [createStudent(0, 1), createStudent(2, 3), createStudent(4, 5)];
    const own = squaredDistance("erf", createStudent(0, 1), teacher);
    const matched = squaredDistance("erf", match("erf", students).mean, teacher);
    const again = await redistil("erf", students);
    const redistilled = squaredDistance("erf", again.student, teacher);
    assert.ok(matched > 3 * own, `${matched}`);
    assert.ok(redistilled < 1.5 * own, `${redistilled}`);
  });

  it("averages two students that differ in sign to zero with FedAvg", () => {
    const turned = disguise(createStudent(0, 1), [0, 1, 2], [-1, -1, -1]);
    const mean = average([createStudent(0, 1), turned]);
    assert.ok(Math.abs(squaredDistance("erf", mean, teacher) - 6 / 3) < 1e-14);
  });

  it("requires at least one student", () => {
    assert.throws(() => match("erf", []), /expected at least one student, got none/);
    assert.throws(() => average([]), /expected at least one student, got none/);
  });
});

describe("copy-average: signals of contamination", () => {
  const honest = [
    createStudent(0, 1),
    createStudent(2, 3),
    createStudent(1, 4),
    createStudent(0, 5),
  ];

  it("detect a student of the negated teacher, which lies in the same subspace", () => {
    const flipped = disguise(createStudent(0, 1), [0, 1, 2], [-1, -1, -1]);
    const negated = { hidden: flipped.hidden, out: flipped.out.map(Math.abs) };
    const signals = signalsOf("erf", [...honest, negated]);
    const limit = distanceLimit(signals, 2);
    const [, , , , deviation = NaN] = signals.linearDeviation;
    assert.ok(Math.abs(deviation - 2) < 1e-12);
    assert.deepEqual(
      signals.linearDeviation.map((x) => x > linearLimit(signals)),
      [false, false, false, false, true],
    );
    assert.deepEqual(
      signals.functionDistance.map((x) => x > limit),
      [false, false, false, false, true],
    );
  });

  it("detect a student of another teacher", () => {
    const hidden = new Matrix(7, 3, stream("other").normals(21, 0.4));
    const signals = signalsOf("erf", [...honest, { hidden, out: Float64Array.of(1, 1, 4) }]);
    assert.ok(item(signals.linearDeviation, 4) > linearLimit(signals));
    assert.ok(item(signals.functionDistance, 4) > distanceLimit(signals, 2));
  });
});
