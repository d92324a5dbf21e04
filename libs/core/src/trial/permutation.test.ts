import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { drawPermutation } from "./permutation.js";

describe("drawPermutation", () => {
  it("maps every index to another one, for any count", () => {
    for (const count of [1, 2, 3, 5, 16, 17, 1000, 4097]) {
      const permute = drawPermutation(count, stream(count));
      const images = Array.from({ length: count }, (_, i) => permute(i));
      assert.deepEqual(
        images.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
    }
  });

  it("puts every index everywhere equally often", () => {
    // 6,000 permutations of 5: each cell has mean 1,200 and standard deviation 31.
    const cells = new Array<number>(25).fill(0);
    for (let seed = 0; seed < 6000; seed++) {
      const permute = drawPermutation(5, stream(seed));
      for (let i = 0; i < 5; i++) {
        const cell = 5 * i + permute(i);
        cells[cell] = (cells[cell] ?? 0) + 1;
      }
    }
    for (const count of cells) assert.ok(Math.abs(count - 1200) < 155, String(cells));
  });

  it("separates neighbours", () => {
    // Neighbours of a random permutation of n are n / 3 apart on average.
    const permute = drawPermutation(1_000_000, stream(1));
    let apart = 0;
    for (let i = 0; i < 1000; i++) apart += Math.abs(permute(i) - permute(i + 1)) / 1000;
    assert.ok(apart > 300_000 && apart < 366_000, String(apart));
  });

  it("permutes 2³² indices", () => {
    const permute = drawPermutation(2 ** 32, stream(1));
    const images = [0, 1, 2 ** 31, 2 ** 32 - 1].map(permute);
    assert.equal(new Set(images).size, 4);
    assert.ok(images.every((x) => Number.isSafeInteger(x) && x >= 0 && x < 2 ** 32));
  });
});
