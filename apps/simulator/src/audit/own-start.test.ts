import assert from "node:assert/strict";
import { tensorOf, type LowRank } from "@fedclair/core";
import { addScaled, gaussian, Matrix, stream } from "@fedclair/linalg";
import { beganApart } from "./own-start.js";

const rng = stream("own starts");

/** Adapters' pairs of one module: A near the start that each has, or zero. */
function moduleOf(name: string, starts: readonly (string | undefined)[]): { pairs: LowRank[] } {
  const pairs = starts.map((start, k): LowRank => {
    const a = start === undefined ? new Matrix(4, 40) : gaussian(rng.at(name, start), 4, 40);
    if (start !== undefined) addScaled(a, 0.2, gaussian(rng.at(name, "trained", k), 4, 40));
    return { b: tensorOf(gaussian(rng.at(name, "b", k), 30, 4)), a: tensorOf(a) };
  });
  return { pairs };
}

const found = (...modules: (string | undefined)[][]) =>
  beganApart(new Map(modules.map((starts, m) => [`m${m}`, moduleOf(`m${m}`, starts)])));

describe("adapters that began from an A₀ of their own", () => {
  const one = Array.from({ length: 12 }, () => "common");
  const private_ = one.map((_, k) => `own ${k}`);

  it("are none of those that have one", () => {
    assert.deepEqual(found(one, one), []);
  });

  it("are all where each has another", () => {
    assert.deepEqual(found(private_), [...one.keys()]);
  });

  it("are told among others that have one, also where these have two", () => {
    const mixed = one.map((_, k) => (k === 3 || k > 9 ? `own ${k}` : k % 2 === 0 ? "x" : "y"));
    assert.deepEqual(found(mixed, mixed, mixed), [3, 10, 11]);
  });

  it("are not told by modules that they did not train", () => {
    const untrained = one.map((start, k) => (k === 2 ? undefined : start));
    assert.deepEqual(found(untrained, one), []);
    assert.deepEqual(found(one.map(() => undefined)), []);
    assert.deepEqual(beganApart(new Map()), []);
  });
});
