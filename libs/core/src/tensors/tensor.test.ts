import assert from "node:assert/strict";
import { maxAbs, copyTensor, createStored, dtypeOf, payloadBytes, readNumbers } from "./tensor.js";

describe("a stored tensor", () => {
  const createCounted = () => {
    let reads = 0;
    const read = () => {
      reads++;
      return Float32Array.of(1, 2);
    };
    return { tensor: createStored([2], "f32", 8, read), reads: () => reads };
  };

  it("reads its numbers on demand, and not for its size or type", () => {
    const { tensor, reads } = createCounted();
    assert.deepEqual([payloadBytes([tensor]), dtypeOf(tensor)], [8, "f32"]);
    assert.equal(reads(), 0);
    assert.deepEqual([...readNumbers(tensor)], [1, 2]);
    assert.equal(reads(), 1);
  });

  it("is copied without being read, and what is written into one copy is not in the other", () => {
    const { tensor, reads } = createCounted();
    const copy = copyTensor(tensor);
    assert.equal(reads(), 0);
    readNumbers(copy)[0] = 7;
    assert.deepEqual([...readNumbers(tensor)], [1, 2]);
  });
});

describe("maxAbs", () => {
  it("is the largest size of float32 and float64 alike, and NaN if one of them is", () => {
    const numbers = [0.5, -3, 2, -0, 1e-42, 3.25, -7.5, 1, 2];
    for (let count = 0; count <= numbers.length; count++) {
      const some = numbers.slice(0, count);
      const expected = Math.max(0, ...some.map((x) => Math.abs(x)));
      assert.equal(maxAbs(Float32Array.from(some)), Math.fround(expected));
      assert.equal(maxAbs(Float64Array.from(some)), expected);
      for (const [bad, found] of [
        [NaN, NaN],
        [-Infinity, Infinity],
      ] as const)
        for (let at = 0; at < count; at++) {
          const spoilt = some.with(at, bad);
          assert.equal(maxAbs(Float32Array.from(spoilt)), found);
          assert.equal(maxAbs(Float64Array.from(spoilt)), found);
        }
    }
    assert.equal(maxAbs(Float32Array.of(-Infinity, 0, NaN, 1, 2)), NaN);
  });
});
