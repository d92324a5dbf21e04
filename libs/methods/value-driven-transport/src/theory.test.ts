import assert from "node:assert/strict";
import { Matrix, stream, subtract, at } from "@fedclair/linalg";
import { dualStep, valueGradientMatching, type CoupledBatch } from "./dual-step.js";
import {
  bellman,
  dualValue,
  dualViolation,
  solveFiniteStates,
  stepCosts,
} from "./finite-states.js";
import { GaussianTransport } from "./gaussian.js";
import { displacement, straightness } from "./metrics.js";
import { initialNetwork, moduleNames } from "./network.js";
import { followPolicy } from "./sampling.js";
import { semiDualAscent, semiDualMeasures } from "./semi-dual.js";

const rng = stream("theory");

describe("value-driven transport in closed form", () => {
  const transport = new GaussianTransport(
    {
      mean: Matrix.fromRows([[1, -1]]),
      covariance: Matrix.fromRows([
        [2, 0.5],
        [0.5, 1],
      ]),
    },
    {
      mean: Matrix.fromRows([[0, 2]]),
      covariance: Matrix.fromRows([
        [0.5, -0.2],
        [-0.2, 3],
      ]),
    },
  );
  const starts = new Matrix(6, 2, rng.at("starts").normals(12));

  for (const horizon of [1, 2, 7]) {
    it(`between normal distributions the policy of the optimal values reaches the target exactly, H = ${horizon}`, () => {
      const path = followPolicy((x, t) => transport.gradients(x, t), starts, horizon);
      const end = path.at(-1) ?? starts;
      assert.ok(displacement(end, transport.map(starts)) < 1e-24);
      assert.ok(Math.abs(straightness(path) - 1) < 1e-12);
    });
  }

  it("has the gradients of its values", () => {
    const delta = 1e-5;
    const gradients = transport.gradients(starts, 0.3);
    for (let c = 0; c < 2; c++) {
      const evaluateShifted = (by: number) => {
        const moved = starts.copy();
        moved.column(c).forEach((x, k, column) => (column[k] = x + by));
        return transport.values(moved, 0.3);
      };
      const [up, down] = [evaluateShifted(delta), evaluateShifted(-delta)];
      up.forEach((value, k) => {
        const slope = (value - at(down, k)) / (2 * delta);
        assert.ok(Math.abs(slope - gradients.get(k, c)) < 1e-8);
      });
    }
  });

  it("rejects a matrix that is not a covariance", () => {
    const mean = Matrix.fromRows([[0, 0]]);
    const covariance = Matrix.fromRows([
      [1, 0],
      [0, -1],
    ]);
    assert.throws(
      () => new GaussianTransport({ mean, covariance }, { mean, covariance }),
      /eigenvalue of -1/,
    );
  });
});

describe("value-driven transport on finitely many states", () => {
  it("passes through intermediate states: 0 → 2 costs 2 both in one step and in two", async () => {
    const points = Matrix.fromRows([[0], [1], [2]]);
    for (const horizon of [1, 2]) {
      const { value, table } = await solveFiniteStates(points, [1, 0, 0], [0, 0, 1], horizon);
      assert.equal(value, 2);
      assert.equal(table.length, horizon + 1);
    }
  });

  it("has a feasible dual with the primal's value, and Bellman's values are the largest feasible ones", async () => {
    const points = new Matrix(6, 2, rng.at("points").normals(12));
    const [src, tgt] = [rng.at("src").dirichlet(6, 1), rng.at("tgt").dirichlet(6, 1)];
    for (const horizon of [1, 3]) {
      const costs = stepCosts(points, horizon);
      const { value, table } = await solveFiniteStates(points, src, tgt, horizon);
      assert.ok(dualViolation(costs, table) <= 1e-12);
      assert.ok(Math.abs(dualValue(table, src, tgt) - value) < 1e-12);
      // Weak duality holds for any last values.
      const other = bellman(costs, rng.at("last", horizon).normals(6), horizon);
      assert.ok(dualValue(other, src, tgt) <= value + 1e-12);
      // Raising any value breaks a constraint.
      const increased = other.map((row, h) =>
        row.map((v, i) => (h === 0 && i === 2 ? v + 1e-6 : v)),
      );
      assert.ok(dualViolation(costs, increased) > 5e-7);
    }
  });

  it("closes the gap between primal cost and dual by the tabular primal-dual iteration", () => {
    const [x, y] = [
      new Matrix(8, 2, rng.at("x").normals(16)),
      new Matrix(5, 2, rng.at("y").normals(10)),
    ];
    const v0 = semiDualAscent(x, y, { eps: 0.5, alpha: 0.5, iterations: 500 });
    const { entropicDual, primalCost, marginalError, coupling } = semiDualMeasures(v0, x, y, 0.5);
    assert.ok(marginalError < 1e-9);
    // The primal with its entropy: cost + eps·mean_j Σ_i γ ln(S·γ).
    const entropy = coupling.data.reduce((total, g) => total + g * Math.log(8 * g), 0) / 5;
    assert.ok(Math.abs(primalCost + 0.5 * entropy - entropicDual) < 1e-9);
  });
});

describe("the dual step", () => {
  it("converges to value-gradient matching as the horizon grows", () => {
    const network = initialNetwork(3, 8, rng.at("network"));
    const batch: CoupledBatch = {
      sources: new Matrix(5, 2, rng.at("sources").normals(10)),
      targets: new Matrix(5, 2, rng.at("targets").normals(10)),
      pairs: Int32Array.of(0, 3, 1, 1, 4),
      times: Float64Array.of(0, 0.2, 0.9, 0.5, 0.3),
    };
    const gap = (horizon: number) => {
      const { gradient } = dualStep(network, batch, { horizon, lambda0: 0 });
      const limit = valueGradientMatching(network, batch, horizon).gradient;
      return Math.max(
        ...moduleNames.flatMap((name) => [
          ...subtract(gradient[name], limit[name]).data.map(Math.abs),
        ]),
      );
    };
    const [coarse, fine] = [gap(1e2), gap(1e3)];
    assert.ok(coarse < 0.1, `${coarse}`);
    // The difference is of order 1/H.
    assert.ok(Math.abs(coarse / fine - 10) < 0.5, `${coarse / fine}`);
  });
});
