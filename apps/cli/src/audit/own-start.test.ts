import assert from "node:assert/strict";
import { toTensor, type LowRank } from "@fedclair/core";
import { addScaled, gaussian, Matrix, stream } from "@fedclair/linalg";
import { startsOf } from "./own-start.js";

const rng = stream("own starts");

/** Adapters' pairs of one module: A near the start that each has, or zero. */
function moduleOf(name: string, starts: readonly (string | undefined)[]): { pairs: LowRank[] } {
  const pairs = starts.map((start, k): LowRank => {
    const a = start === undefined ? new Matrix(4, 40) : gaussian(rng.at(name, start), 4, 40);
    if (start !== undefined) addScaled(a, 0.2, gaussian(rng.at(name, "trained", k), 4, 40));
    return { b: toTensor(gaussian(rng.at(name, "b", k), 30, 4)), a: toTensor(a) };
  });
  return { pairs };
}

const found = (...modules: (string | undefined)[][]) =>
  startsOf(new Map(modules.map((starts, m) => [`m${m}`, moduleOf(`m${m}`, starts)])));

describe("where adapters began", () => {
  const one = Array.from({ length: 12 }, () => "common");
  const all = [...one.keys()];

  it("is one A₀, or one each", () => {
    assert.deepEqual(found(one, one), { own: [], groups: [all] });
    const each = one.map((_, k) => `own ${k}`);
    assert.deepEqual(found(each), { own: all, groups: [] });
  });

  it("is told of a few with one each among others, and of groups, the largest first", () => {
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

  it("is told of many pairs, in a pile that is not large", () => {
    const pairs = Array.from({ length: 24 }, (_, k) => `pair ${k % 12}`);
    const groups = Array.from({ length: 12 }, (_, k) => [k, k + 12]);
    assert.deepEqual(found(pairs, pairs), { own: [], groups });
  });

  it("is told by most modules, and not by those that an adapter did not train", () => {
    const untrained = one.map((start, k) => (k === 2 ? undefined : start));
    assert.deepEqual(found(untrained, one), { own: [], groups: [all] });
    assert.deepEqual(found(untrained).groups, [all.filter((k) => k !== 2)]);
    assert.deepEqual(found(one.map(() => undefined)), { own: [], groups: [] });
    assert.deepEqual(startsOf(new Map()), { own: [], groups: [] });
  });

  it("is told of a thousand by a look at few", () => {
    const many = Array.from({ length: 1000 }, (_, k) => (k === 777 ? "own" : "common"));
    const { own, groups } = found(many);
    assert.deepEqual([own, groups.map((group) => group.length)], [[777], [999]]);
  });
});
