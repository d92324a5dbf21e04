import assert from "node:assert/strict";
import { Matrix } from "@fedclair/linalg";
import { toTensor } from "../tensors/matrix.js";
import { measureSpaces } from "./measure-spaces.js";

const spaceOf = (...columns: readonly (readonly number[])[]) =>
  new Map([["m", toTensor(new Matrix(3, columns.length, Float64Array.from(columns.flat())))]]);

describe("the distance of spaces", () => {
  const [first, second, third] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]; // oxfmt-ignore
  const measure = (truth: ReturnType<typeof spaceOf>, found: ReturnType<typeof spaceOf>) =>
    measureSpaces({ sharedSpaces: truth }, { spaces: found })["sine.m"];

  it("is the largest sine of a principal angle", () => {
    assert.equal(measure(spaceOf(first, second), spaceOf(second, first)), 0);
    assert.equal(measure(spaceOf(first, second), spaceOf(first, third)), 1);
    const tilted = [Math.cos(0.1), 0, Math.sin(0.1)];
    assert.ok(Math.abs((measure(spaceOf(first), spaceOf(tilted)) ?? 0) - Math.sin(0.1)) < 1e-12);
  });

  it("is 0 for a space that contains the true one, and 1 for one with too few dimensions", () => {
    assert.equal(measure(spaceOf(first), spaceOf(first, second)), 0);
    assert.equal(measure(spaceOf(first, second), spaceOf(first)), 1);
  });

  it("is measured where both spaces are known", () => {
    assert.deepEqual(measureSpaces({}, { spaces: spaceOf(first) }), {});
    assert.deepEqual(measureSpaces({ sharedSpaces: spaceOf(first) }, {}), {});
  });
});
