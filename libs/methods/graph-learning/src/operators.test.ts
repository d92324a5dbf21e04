import assert from "node:assert/strict";
import fc from "fast-check";
import { dot, Matrix, subtract, at } from "@fedclair/linalg";
import {
  computeCommutator,
  computeCommutatorAdjoint,
  computeDegrees,
  computeObjective,
  projectBall,
  projectGraph,
  projectSimplex,
  projectUnitDegreeGraph,
  proxNegLog,
} from "./operators.js";

const number = fc.double({ min: -9, max: 9, noNaN: true });
const square = fc
  .array(number, { minLength: 16, maxLength: 16 })
  .map((x) => new Matrix(4, 4, Float64Array.from(x)));
const symmetric = square.map((x) => subtract(x, x.transpose().scale(-1)));
const skew = square.map((x) => subtract(x, x.transpose()));

describe("operators of LogSpecT", () => {
  it("comm([2 1; 1 5], [0 3; 3 0]) = 3·[0 −3; 3 0]", () => {
    const c = Matrix.fromRows([
      [2, 1],
      [1, 5],
    ]);
    const s = Matrix.fromRows([
      [0, 3],
      [3, 0],
    ]);
    assert.deepEqual(computeCommutator(c, s).toRows(), [
      [0, -9],
      [9, 0],
    ]);
  });

  it("the adjoint fulfils ⟨M, comm(C, S)⟩ = ⟨CM − MC, S⟩", () => {
    fc.assert(
      fc.property(symmetric, symmetric, skew, (c, s, m) => {
        const left = dot(m, computeCommutator(c, s));
        assert.ok(Math.abs(left - dot(computeCommutatorAdjoint(c, m), s)) < 1e-8);
      }),
    );
  });

  it("projects on graphs: symmetric, zero diagonal, non-negative", () => {
    const x = Matrix.fromRows([
      [7, 1, -3],
      [3, 7, 4],
      [1, 0, 7],
    ]);
    assert.deepEqual(projectGraph(x).toRows(), [
      [0, 2, 0],
      [2, 0, 2],
      [0, 2, 0],
    ]);
  });

  it("projects on graphs whose first node has degree 1: (0.5, 0.7) − 0.1 each, the rest clipped", () => {
    const x = Matrix.fromRows([
      [0, 0.5, 0.7],
      [0.5, 0, -1],
      [0.7, -1, 0],
    ]);
    const graph = projectUnitDegreeGraph(x);
    assert.ok(Math.abs(graph.get(0, 1) - 0.4) < 1e-15 && Math.abs(graph.get(2, 0) - 0.6) < 1e-15);
    assert.equal(graph.get(1, 2), 0);
  });

  it("projects on the simplex: sum 1, and no point of it is nearer", () => {
    const vector = fc.array(number, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(vector, vector, (x, other) => {
        const p = projectSimplex(Float64Array.from(x));
        const weights = other.map((w) => Math.abs(w) + 1e-3);
        const total = weights.reduce((a, b) => a + b);
        assert.ok(Math.abs(p.reduce((a, b) => a + b) - 1) < 1e-12 && p.every((w) => w >= 0));
        // The angle between x − p and every direction into the simplex is obtuse.
        const angle = p.reduce(
          (sum, pi, i) => sum + ((x[i] ?? 0) - pi) * ((weights[i] ?? 0) / total - pi),
          0,
        );
        assert.ok(angle <= 1e-9);
      }),
    );
  });

  it("the proximal map of −α·log solves ρ(q − x) = α/q, even for x far below 0", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) => {
        const q = at(proxNegLog(Float64Array.of(x), 0.35), 0);
        assert.ok(q > 0);
        // For a large x, q − x cancels in this test, but not in the computation of q.
        const rounding = x > 0 ? 1e-15 * x * x : 0;
        assert.ok(Math.abs(q * (q - x) - 0.35) < 1e-12 + rounding);
      }),
    );
  });

  it("leaves points in the ball unchanged, and cuts others to its radius", () => {
    const x = Matrix.fromRows([
      [0, 3],
      [4, 0],
    ]);
    assert.equal(projectBall(x, 5), x);
    assert.deepEqual(projectBall(x, 1).toRows(), [
      [0, 0.6000000000000001],
      [0.8, 0],
    ]);
  });

  it("f = Σ(d − α·log d), infinite for an isolated node", () => {
    const graph = Matrix.fromRows([
      [0, 2],
      [2, 0],
    ]);
    assert.deepEqual([...computeDegrees(graph)], [2, 2]);
    assert.equal(computeObjective(computeDegrees(graph), 3), 4 - 6 * Math.log(2));
    assert.equal(computeObjective(Float64Array.of(1, 0), 1), Infinity);
  });
});
