import assert from "node:assert/strict";
import { frobenius, gramNT, Matrix, stream, subtract, sum } from "@fedclair/linalg";
import { computeCommutator } from "./operators.js";
import { computeDelta, toUnitNorm, type Problem } from "./problem.js";
import { solveRLogSpecT, type Solver } from "./rlogspect.js";
import { computeFeasibility, solveRSpecT } from "./rspect.js";

const exact = { tolerance: 1e-6, maxIterations: 20_000 };

/** One edge of weight s has the commutator √2·s·|a − c|, so s = min(α, δ/(√2·|a − c|)). */
function twoNodes(a: number, c: number, delta: number, alpha = 1): Problem {
  const covariance = Matrix.fromRows([
    [a, 0.3],
    [0.3, c],
  ]);
  return { covariance, delta, alpha };
}

/** Computes the covariance of random signals on eight nodes: generic, of norm 1. */
function generic(): Matrix {
  return toUnitNorm(gramNT(new Matrix(8, 30, stream("generic").normals(240))));
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

function nearMatrix(actual: Matrix, expected: Matrix): void {
  const largest = Math.max(...expected.data);
  near(Math.max(...subtract(actual, expected).data.map(Math.abs)), 0, 1e-3 * largest);
}

describe("rLogSpecT", () => {
  for (const solver of ["eadmm", "ladmm"] as const satisfies readonly Solver[]) {
    it(`${solver}: two nodes, a ball of √2·(5 − 2)·s ≤ 0.6·√2 gives s = 0.2`, async () => {
      const { graph, outcome, gap } = await solveRLogSpecT(
        twoNodes(2, 5, 0.6 * Math.SQRT2),
        exact,
        solver,
      );
      near(graph.get(0, 1), 0.2, 1e-5);
      assert.equal(outcome, "solved");
      assert.ok(gap <= 1e-6);
    });

    it(`${solver}: labels a ball that does not bind, because any regular graph would do`, async () => {
      const { graph, outcome } = await solveRLogSpecT(twoNodes(2, 2, 0.1, 0.7), exact, solver);
      near(graph.get(0, 1), 0.7, 1e-5);
      assert.equal(outcome, "ball inactive");
    });
  }

  it("labels unfinished results, whose graph is feasible all the same", async () => {
    const problem = { covariance: generic(), delta: 0.01, alpha: 1 };
    const { outcome, graph, gap } = await solveRLogSpecT(problem, { ...exact, maxIterations: 1 });
    assert.equal(outcome, "unconverged");
    assert.ok(gap > 1e-6);
    assert.ok(frobenius(computeCommutator(problem.covariance, graph)) <= 0.01 * (1 + 1e-9));
  });

  it("scales: S(C, δ, α) = α·S(C, δ/α, 1), and S(7C, 7δ, α) = S(C, δ, α)", async () => {
    const covariance = generic();
    const base = await solveRLogSpecT({ covariance, delta: 0.02, alpha: 1 }, exact);
    const larger = await solveRLogSpecT({ covariance, delta: 0.06, alpha: 3 }, exact);
    nearMatrix(larger.graph, base.graph.scale(3));
    const unit = { covariance: covariance.scale(7), delta: 0.14, alpha: 1 };
    nearMatrix((await solveRLogSpecT(unit, exact)).graph, base.graph);
  });

  it("follows the order of nodes: S(PCPᵀ) = P·S·Pᵀ", async () => {
    const covariance = generic();
    const reversed = (m: Matrix) =>
      Matrix.fromRows(
        m
          .toRows()
          .map((row) => row.reverse())
          .reverse(),
      );
    const problem = { covariance, delta: 0.02, alpha: 1 };
    const { graph } = await solveRLogSpecT(problem, exact);
    const turned = await solveRLogSpecT({ ...problem, covariance: reversed(covariance) }, exact);
    nearMatrix(turned.graph, reversed(graph));
  });

  it("splits the mass, ΣS + ‖M‖·δ = α·N, and has a lower objective for a larger ball", async () => {
    const covariance = generic();
    let last = Infinity;
    for (const delta of [0.005, 0.01, 0.02, 0.04]) {
      const solution = await solveRLogSpecT({ covariance, delta, alpha: 1 }, exact);
      near(sum(solution.graph.data) + frobenius(solution.multiplier) * delta, 8, 8e-3);
      assert.ok(solution.dualBound <= last);
      last = solution.objective;
    }
  });

  it("reports invalid problems", async () => {
    const good = twoNodes(2, 5, 0.1);
    const bad: [Partial<Problem>, RegExp][] = [
      [{ delta: 0 }, /delta > 0, got 0/],
      [{ delta: NaN }, /delta > 0, got NaN/],
      [{ alpha: -1 }, /alpha > 0, got -1/],
      [{ covariance: new Matrix(1, 1, Float64Array.of(1)) }, /N ≥ 2, got 1×1/],
      [{ covariance: new Matrix(2, 3) }, /got 2×3/],
      [{ covariance: new Matrix(2, 2) }, /no signal/],
      [{ covariance: new Matrix(2, 2, Float64Array.of(1, 2, 3, 4)) }, /differ; expected symmetry/],
      [{ covariance: new Matrix(2, 2, Float64Array.of(1, NaN, NaN, 4)) }, /\(1, 0\) is NaN/],
    ];
    for (const [change, message] of bad) {
      await assert.rejects(solveRLogSpecT({ ...good, ...change }, exact), message);
    }
    assert.throws(() => computeDelta(0.003, 2), /at least 3 samples in all, got 2/);
  });
});

describe("rSpecT", () => {
  it("on two nodes is feasible for δ ≥ δ_min = √2·|a − c|", async () => {
    const { deltaMin, graph, bound } = await computeFeasibility(twoNodes(2, 5, 1).covariance);
    near(deltaMin, 3 * Math.SQRT2, 1e-12);
    near(graph.get(0, 1), 1, 1e-12);
    near(bound, deltaMin, 1e-9);
  });

  it("is INFEASIBLE below δ_min, with Farkas' certificate, where rLogSpecT has a solution", async () => {
    const covariance = generic();
    const { deltaMin, bound, slack } = await computeFeasibility(covariance);
    assert.ok(bound >= 0.999 * deltaMin && slack >= -1e-9);
    const delta = deltaMin / 2;
    assert.equal((await solveRSpecT(covariance, delta, exact)).outcome, "INFEASIBLE");
    const solution = await solveRLogSpecT(
      { covariance, delta, alpha: 1 },
      { ...exact, tolerance: 1e-3 },
    );
    assert.equal(solution.outcome, "solved");
  });

  it("above δ_min finds a graph of the ball whose first node has degree 1, with a certified gap", async () => {
    const covariance = generic();
    const { deltaMin } = await computeFeasibility(covariance);
    const solution = await solveRSpecT(covariance, 1.5 * deltaMin, { ...exact, tolerance: 1e-4 });
    assert.ok(solution.outcome === "solved" && solution.gap <= 1e-4);
    near(sum(solution.graph.column(0)), 1, 1e-9);
    assert.ok(solution.graph.data.every((w) => w >= 0));
    const distance = frobenius(computeCommutator(covariance, solution.graph));
    assert.ok(distance <= 1.5 * deltaMin * (1 + 1e-9));
  });
});
