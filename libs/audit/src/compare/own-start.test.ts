import assert from "node:assert/strict";
import { readRowSpaces } from "@fedclair/clair/internal";
import { toTensor } from "@fedclair/core";
import { addScaled, gaussian, Matrix, stream } from "@fedclair/linalg";
import { findStarts } from "./own-start.js";

const rng = stream("own starts");

/** Creates the row spaces of one module, with A near each adapter's start, or zero. */
function moduleOf(name: string, starts: readonly (string | undefined)[]): { rowProducts: Matrix } {
  const as = starts.map((start, k) => {
    const a = start === undefined ? new Matrix(4, 40) : gaussian(rng.at(name, start), 4, 40);
    if (start !== undefined) addScaled(a, 0.2, gaussian(rng.at(name, "trained", k), 4, 40));
    return toTensor(a);
  });
  return { rowProducts: readRowSpaces(as).products };
}

const found = (...modules: (string | undefined)[][]) =>
  findStarts(new Map(modules.map((starts, m) => [`m${m}`, moduleOf(`m${m}`, starts)])));

describe("findStarts", () => {
  const one = Array.from({ length: 12 }, () => "common");
  const all = [...one.keys()];

  it("distinguishes one common A₀ from one A₀ for each adapter", () => {
    assert.deepEqual(found(one, one), { own: [], groups: [all] });
    const each = one.map((_, k) => `own ${k}`);
    assert.deepEqual(found(each), { own: all, groups: [] });
  });

  it("finds single adapters with their own A₀, and groups, the largest first", () => {
    const start = (k: number) => (k === 3 || k > 9 ? `own ${k}` : k % 3 === 0 ? "x" : "y");
    const mixed = all.map(start);
    assert.deepEqual(found(mixed, mixed, mixed), {
      own: [3, 10, 11],
      groups: [
        [1, 2, 4, 5, 7, 8],
        [0, 6, 9],
      ],
    });
  });

  it("finds many groups of two in a small set", () => {
    const pairs = Array.from({ length: 24 }, (_, k) => `pair ${k % 12}`);
    const groups = Array.from({ length: 12 }, (_, k) => [k, k + 12]);
    assert.deepEqual(found(pairs, pairs), { own: [], groups });
  });

  it("decides by most modules and ignores untrained ones", () => {
    const untrained = one.map((start, k) => (k === 2 ? undefined : start));
    assert.deepEqual(found(untrained, one), { own: [], groups: [all] });
    assert.deepEqual(found(untrained).groups, [all.filter((k) => k !== 2)]);
    assert.deepEqual(found(one.map(() => undefined)), { own: [], groups: [] });
    assert.deepEqual(findStarts(new Map()), { own: [], groups: [] });
  });

  it("decides for three hundred adapters", () => {
    const many = Array.from({ length: 300 }, (_, k) => (k === 177 ? "own" : "common"));
    const { own, groups } = found(many);
    assert.deepEqual([own, groups.map((group) => group.length)], [[177], [299]]);
  });
});
