import assert from "node:assert/strict";
import { createStored } from "@fedclair/core/internal";
import { loadStored } from "./load-stored.js";

const numbers = Float64Array.of(1, 2);
const dense = { shape: [2], data: numbers };
const stored = createStored([2], "f64", 16, () => numbers);

describe("loadStored", () => {
  it("returns a value without stored tensors as it is", () => {
    const value: Record<string, unknown> = { list: [1, { a: null }], map: new Map([["w", dense]]) };
    value["self"] = value;
    assert.equal(loadStored(value), value);
    assert.equal(loadStored("text"), "text");
  });

  it("copies only the parts that contain a stored tensor", () => {
    const other = new Map([["w", dense]]);
    const value = { other, window: [other, new Map([["w", stored]]), new Set([stored])] };
    const loaded = loadStored(value) as typeof value;
    assert.notEqual(loaded, value);
    assert.equal(loaded.other, other);
    assert.equal(loaded.window[0], other);
    assert.deepEqual(loaded.window.slice(1), [new Map([["w", dense]]), new Set([dense])]);
    assert.deepEqual(value.window[1], new Map([["w", stored]]), "the value itself is unchanged");
  });

  it("copies parts that contain one another, whatever comes first", () => {
    const first: Record<string, unknown> = {};
    const second: Record<string, unknown> = { first, stored };
    first["second"] = second;
    const loaded = loadStored([first, second, first]) as Record<string, unknown>[];
    assert.equal(loaded[0], loaded[2]);
    assert.equal(loaded[0]?.["second"], loaded[1]);
    assert.equal(loaded[1]?.["first"], loaded[0]);
    assert.deepEqual(loaded[1]?.["stored"], dense);
  });
});
