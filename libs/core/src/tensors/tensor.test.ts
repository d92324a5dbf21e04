import assert from "node:assert/strict";
import { copyTensor, createStored, dtypeOf, payloadBytes, readNumbers } from "./tensor.js";

describe("a stored tensor", () => {
  const createCounted = () => {
    let reads = 0;
    const read = () => {
      reads++;
      return Float32Array.of(1, 2);
    };
    return { tensor: createStored([2], "f32", 8, read), reads: () => reads };
  };

  it("reads its numbers on demand, once in a turn, and not for its size or type", () => {
    const { tensor, reads } = createCounted();
    assert.deepEqual([payloadBytes([tensor]), dtypeOf(tensor)], [8, "f32"]);
    assert.equal(reads(), 0);
    assert.equal(readNumbers(tensor), readNumbers(tensor));
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
