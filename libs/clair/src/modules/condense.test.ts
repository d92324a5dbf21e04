import { type CornerTensor, inSharedMemory, restore } from "../updates/shared-memory.js";
import assert from "node:assert/strict";
import { loadChange, readNumbers, toDense, toTensor, type LowRank } from "@fedclair/core";
import { dot, frobenius, Matrix, stream, subtract, item, indices } from "@fedclair/linalg";
import { condense, expandCondensed } from "./condense.js";

const [p, q, r] = [40, 30, 2];

function pairOf(seed: string): LowRank {
  const rng = stream(seed);
  return {
    b: toTensor(new Matrix(p, r, rng.at("b").normals(p * r))),
    a: toTensor(new Matrix(r, q, rng.at("a").normals(r * q))),
  };
}

/** ⟨X_i, X_j⟩ of all pairs. */
function innerOfChanges(pairs: readonly LowRank[]): number[] {
  const dense = pairs.map(toDense);
  return dense.flatMap((x) => dense.map((y) => dot(x, y)));
}

describe("condensed pairs", () => {
  const pairs = indices(5).map((k) => pairOf(`condense ${k}`));

  it("keep the inner products, in as many rows as there are columns", () => {
    const few = condense(pairs).pairs;
    assert.deepEqual(
      [item(few, 0).b.shape, item(few, 0).a.shape],
      [
        [10, r],
        [r, 10],
      ],
    );
    const expected = innerOfChanges(pairs);
    innerOfChanges(few).forEach((x, i) => {
      assert.ok(Math.abs(x - item(expected, i)) < 1e-10, `${x}`);
    });
  });

  it("include the inner products of all pairs unless their squares overflow", () => {
    const wide = { b: item(pairs, 0).b, a: item(pairs, 1).a };
    const { gram } = condense([...pairs, wide]);
    const expected = innerOfChanges([...pairs, wide]);
    assert.ok(gram);
    gram.toRowMajor().forEach((x, i) => {
      assert.ok(Math.abs(x - item(expected, i)) < 1e-10, `${i}: ${x}`);
    });
    const huge = (t: LowRank["a"]) => ({ ...t, data: readNumbers(t).map((x) => 1e90 * x) });
    const beyond = pairs.map(({ b, a }) => ({ b: huge(b), a: huge(a) }));
    assert.equal(condense(beyond).gram, undefined);
  });

  it("take no memory for zeros and are the same in another thread", () => {
    const few = condense(pairs).pairs;
    few.forEach((pair, k) => {
      const corners = [pair.b, pair.a].map((tensor) => (tensor as CornerTensor).corner.shape);
      assert.deepEqual(corners, [
        [r * (k + 1), r],
        [r, r * (k + 1)],
      ]);
      const posted = structuredClone(inSharedMemory(pair));
      const restored = restore(posted) as LowRank;
      assert.deepEqual(loadChange(restored), loadChange(pair));
      assert.deepEqual((restored.b as CornerTensor).corner, (pair.b as CornerTensor).corner);
    });
  });

  it("are the same for factors that are read in slices", () => {
    const tall = indices(4).map((k): LowRank => {
      const rng = stream("tall").at(k);
      return {
        b: toTensor(new Matrix(2500, r, rng.at("b").normals(2500 * r))),
        a: toTensor(new Matrix(r, 1025, rng.at("a").normals(r * 1025))),
      };
    });
    const expected = innerOfChanges(tall);
    innerOfChanges(condense(tall).pairs).forEach((x, i) => {
      assert.ok(Math.abs(x - item(expected, i)) < 1e-10 * Math.abs(item(expected, 0)), `${x}`);
    });
  });

  it("can be expanded, and so can changes in their spaces", () => {
    const few = condense(pairs).pairs;
    const double = few.map(({ b, a }) => ({
      b: { ...b, data: readNumbers(b).map((x) => 2 * x) },
      a,
    }));
    expandCondensed(pairs, few, double).forEach((pair, k) => {
      const original = toDense(item(pairs, k)).scale(2);
      assert.ok(frobenius(subtract(toDense(pair), original)) < 1e-10 * frobenius(original));
    });
  });

  it("work with copies, a factor of zeros, and a very large factor", () => {
    const zero = { b: { ...item(pairs, 0).b, data: new Float64Array(p * r) }, a: item(pairs, 1).a };
    const { b, a } = item(pairs, 2);
    const huge = { b: { ...b, data: readNumbers(b).map((x) => 1e20 * x) }, a };
    const all = [huge, item(pairs, 0), zero, item(pairs, 3), item(pairs, 0), item(pairs, 3)];
    const few = condense(all).pairs;
    assert.equal(item(few, 0).b.shape[0], 12);
    const [expected, got] = [innerOfChanges(all), innerOfChanges(few)];
    got.forEach((x, i) => {
      const [of, with_] = [item(all, Math.floor(i / 6)), item(all, i % 6)];
      const scale = frobenius(toDense(of)) * frobenius(toDense(with_)) || 1;
      assert.ok(Math.abs(x - item(expected, i)) < 1e-6 * scale, `${i}: ${x}`);
    });
    assert.ok(innerOfChanges(expandCondensed(all, few, few)).every(Number.isFinite));
  });

  it("stay as they are for modules with few rows", () => {
    const many = indices(20).map((k) => pairOf(`many ${k}`));
    condense(many).pairs.forEach((pair, k) => {
      assert.equal(pair.b, item(many, k).b);
      assert.equal(pair.a, item(many, k).a);
    });
  });
});
