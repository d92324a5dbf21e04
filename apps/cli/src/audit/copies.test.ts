import assert from "node:assert/strict";
import { gramNT, Matrix } from "@fedclair/linalg";
import { nearCopies } from "./copies.js";

/** Inner products of changes, a row each. */
const gramOf = (rows: readonly (readonly number[])[]) => gramNT(Matrix.fromRows(rows));

describe("nearCopies", () => {
  const names = ["a", "b", "c", "again", "large"];

  it("are of nearly the same direction and size", () => {
    const rows = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [1, 0.1, 0, 0],
      [2, 0, 0, 0],
    ];
    assert.deepEqual(nearCopies(names, [gramOf(rows)]), [["a", "again"]]);
  });

  it("are none for what all have in common", () => {
    const rows = names.map((_, i) => [10, ...names.map((_, j) => Number(i === j))]);
    assert.deepEqual(nearCopies(names, [gramOf(rows)]), []);
  });

  it("are none among two, nor where inner products are not known", () => {
    assert.deepEqual(nearCopies(["a", "b"], [gramOf([[1], [1]])]), []);
    assert.deepEqual(nearCopies(names, []), []);
  });
});
