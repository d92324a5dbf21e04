import assert from "node:assert/strict";
import type { Answer } from "@fedclair/core/internal";
import { NumberPages, PageUse } from "@fedclair/threads";
import { mapAnswers } from "./map-answers.js";

const answerOf = (...arrays: (Float32Array | Float64Array)[]): Answer => ({
  jobId: 1,
  clientId: "c00",
  update: {
    clientId: "c00",
    numExamples: 1,
    metrics: {},
    delta: new Map(arrays.map((data, i) => [`w${i}`, { shape: [data.length], data }])),
  },
});

/** The arrays of an answer's update. */
const arraysOf = (answer: Answer | undefined) => {
  assert.ok(answer && "update" in answer);
  return [...answer.update.delta.values()].map((one) => {
    assert.ok("data" in one);
    return one.data;
  });
};

const store = (answer: Answer, pages = new NumberPages()) =>
  mapAnswers([answer], (tensor) => pages.store(tensor));

describe("numbers of answers in pages", () => {
  it("are copies in shared memory, whatever their type", () => {
    const [small, doubles] = [Float32Array.of(1, 2, 3), Float64Array.of(4, 5)];
    const [stored] = store(answerOf(small, doubles));
    small[0] = 9;
    const arrays = arraysOf(stored);
    assert.deepEqual(arrays, [Float32Array.of(1, 2, 3), Float64Array.of(4, 5)]);
    assert.deepEqual(
      arrays.map(({ buffer, byteOffset }) => [buffer instanceof SharedArrayBuffer, byteOffset]),
      [
        [true, 0],
        [true, 16],
      ],
    );
  });

  it("go to the next page when one is full; a large array keeps its own memory", () => {
    const third = new Float64Array(3000);
    const large = new Float64Array(5000);
    const [stored] = store(answerOf(third, third, third, large));
    const [first, second, next, own] = arraysOf(stored).map(({ buffer }) => buffer);
    assert.equal(first, second);
    assert.notEqual(first, next);
    assert.ok(next instanceof SharedArrayBuffer);
    assert.equal(own, large.buffer);
  });

  it("are copied at the receiver if many are in use, because V8 does not count them", () => {
    const [stored] = store(answerOf(Float32Array.of(1, 2)));
    assert.ok(stored);
    const isShared = (use: PageUse) => {
      const [array] = arraysOf(mapAnswers([stored], (tensor) => use.admit(tensor))[0]);
      assert.deepEqual(array, Float32Array.of(1, 2));
      return array.buffer instanceof SharedArrayBuffer;
    };
    const use = new PageUse(16);
    assert.deepEqual([isShared(use), isShared(use), isShared(use)], [true, true, false]);
  });
});
