import assert from "node:assert/strict";
import { indices, Matrix } from "@fedclair/linalg";
import { groupCliques } from "./copies.js";

/** Twelve clients with cosines of .3, apart from those of some pairs. */
function groupWith(pairs: readonly (readonly [i: number, j: number, cosine: number])[]) {
  const cosines = new Matrix(12, 12, new Float64Array(144).fill(0.3));
  const put = (i: number, j: number, x: number) => (cosines.data[i + j * 12] = x);
  for (const i of indices(12)) put(i, i, 1);
  for (const [i, j, x] of pairs) {
    put(i, j, x);
    put(j, i, x);
  }
  const some = [...new Set(pairs.flatMap(([i, j]) => [i, j]))].sort((i, j) => i - j);
  return groupCliques({ cosines, size: new Float64Array(12), groups: indices(12) }, some);
}

describe("groupCliques", () => {
  it("gives one vote to clients that are all near each other", () => {
    const near = [0, 1, 2, 3].flatMap((i) =>
      [0, 1, 2, 3].filter((j) => j < i).map((j) => [i, j, 0.6 + 0.05 * i] as const),
    );
    assert.deepEqual(groupWith(near), [0, 0, 0, 0, ...indices(12).slice(4)]);
  });

  it("leaves their votes to clients whom only the same means resemble", () => {
    const [victims, means] = [
      [0, 1, 2, 3],
      [8, 9, 10, 11],
    ] as const;
    const groups = groupWith([
      ...victims.flatMap((i) => means.map((j) => [i, j, 0.7] as const)),
      ...means.flatMap((i) => means.filter((j) => j < i).map((j) => [i, j, 0.9] as const)),
    ]);
    assert.equal(new Set(victims.map((k) => groups[k])).size, 4);
    assert.equal(new Set(means.map((k) => groups[k])).size, 1);
  });
});
