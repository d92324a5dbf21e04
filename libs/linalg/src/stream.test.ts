import assert from "node:assert/strict";
import fc from "fast-check";
import { item } from "./at.js";
import { stream } from "./stream.js";

describe("Stream", () => {
  it("gives the same numbers for the same keys, whatever was drawn before", () => {
    const root = stream(7);
    const first = [...root.at("train", "c01", 3).normals(5)];
    root.uniform();
    root.at("train", "c01", 2).normals(9);
    assert.deepEqual([...stream(7).at("train", "c01", 3).normals(5)], first);
  });

  it("keeps keys, seeds and types of key apart", () => {
    const firsts = [
      stream(1).at("a", "bc"),
      stream(1).at("ab", "c"),
      stream(1).at("a").at("bc", "x"),
      stream(2).at("a", "bc"),
      stream(1).at("a", 1),
      stream(1).at("a", "1"),
    ].map((s) => s.uniform());
    assert.equal(new Set(firsts).size, firsts.length);
  });

  it("has the moments of its distributions", () => {
    const n = 20_000;
    const moments = (draw: () => number) => {
      const xs = Array.from({ length: n }, draw);
      const mean = xs.reduce((a, b) => a + b, 0) / n;
      return { mean, variance: xs.reduce((a, b) => a + (b - mean) ** 2, 0) / n };
    };
    const near = (actual: number, expected: number, tolerance: number) => {
      assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);
    };
    const s = stream("moments");
    const uniform = moments(() => s.uniform());
    near(uniform.mean, 1 / 2, 0.01);
    near(uniform.variance, 1 / 12, 0.003);
    const normal = moments(() => s.normal());
    near(normal.mean, 0, 0.03);
    near(normal.variance, 1, 0.04);
    for (const shape of [0.5, 3]) {
      const gamma = moments(() => s.gamma(shape));
      near(gamma.mean, shape, 0.06);
      near(gamma.variance, shape, 0.2);
    }
  });

  it("samples distinct items, and every item equally often", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 20 }), (seed, count) => {
        const items = Array.from({ length: 20 }, (_, i) => i);
        const picked = stream(seed).sample(items, count);
        assert.equal(new Set(picked).size, count);
      }),
    );
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 5000; i++) {
      for (const j of stream(i).sample([0, 1, 2, 3, 4], 2)) counts[j] = item(counts, j) + 1;
    }
    for (const count of counts) assert.ok(Math.abs(count - 2000) < 150, String(counts));
  });

  it("puts a Dirichlet draw on the simplex, at any concentration", () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(1e-8, 0.1, 0.5, 1, 100), (seed, concentration) => {
        const p = stream(seed).dirichlet(7, concentration);
        assert.ok(p.every((x) => x >= 0));
        assert.ok(Math.abs(p.reduce((a, b) => a + b, 0) - 1) < 1e-12);
      }),
    );
  });

  it("rejects parameters that it cannot draw from", () => {
    assert.throws(() => stream(1).int(0), /positive integer, got 0/);
    assert.throws(() => stream(1).gamma(-1), /> 0, got -1/);
    assert.throws(() => stream(1).gamma(Infinity), /> 0, got Infinity/);
    assert.throws(() => stream(1).categorical([]), /expected probabilities/);
    assert.throws(() => stream(1).sample([1, 2], 3), /expected 0 to 2, got 3/);
  });
});
