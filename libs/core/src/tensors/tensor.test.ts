import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { copyTensor, dtypeOf, payloadBytes, storedTensor, type Tensor } from "./tensor.js";

describe("storedTensor", () => {
  const counted = () => {
    let reads = 0;
    const read = () => {
      reads++;
      return Float32Array.of(1, 2);
    };
    return { tensor: storedTensor([2], "f32", read), reads: () => reads };
  };

  it("reads its numbers when they are asked for, once in a turn, and not for their length", () => {
    const { tensor, reads } = counted();
    assert.deepEqual([payloadBytes([tensor]), dtypeOf(tensor)], [8, "f32"]);
    assert.equal(reads(), 0);
    assert.equal(tensor.data, tensor.data);
    assert.deepEqual([...tensor.data], [1, 2]);
    assert.equal(reads(), 1);
  });

  it("is copied without being read, and what is written into the one is not in the other", () => {
    const { tensor, reads } = counted();
    const copy = copyTensor(tensor);
    assert.equal(reads(), 0);
    tensor.data[0] = 7;
    assert.deepEqual([...copy.data], [1, 2]);
  });

  it("has its numbers in a spread and in a state", () => {
    const plain: Tensor = { shape: [2], data: Float32Array.of(1, 2) };
    assert.deepEqual({ ...counted().tensor }, plain);
    assert.deepEqual(deserialize(serialize(counted().tensor)), plain);
  });
});
