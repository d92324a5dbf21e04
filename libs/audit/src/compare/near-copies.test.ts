import assert from "node:assert/strict";
import { gramNT, Matrix } from "@fedclair/linalg";
import { findNearCopies } from "./near-copies.js";

/** Computes the inner products of changes, given as rows. */
const gramOf = (rows: readonly (readonly number[])[]) => gramNT(Matrix.fromRows(rows));

describe("nearCopies", () => {
  const names = ["a", "b", "c", "again", "large"];

  it("groups adapters with nearly the same direction and size", () => {
    const rows = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [1, 0.1, 0, 0],
      [2, 0, 0, 0],
    ];
    assert.deepEqual(findNearCopies(names, [gramOf(rows)]), [["a", "again"]]);
  });

  it("ignores the part that all adapters have in common", () => {
    const rows = names.map((_, i) => [10, ...names.map((_, j) => Number(i === j))]);
    assert.deepEqual(findNearCopies(names, [gramOf(rows)]), []);
  });

  it("finds none among two adapters or without inner products", () => {
    assert.deepEqual(findNearCopies(["a", "b"], [gramOf([[1], [1]])]), []);
    assert.deepEqual(findNearCopies(names, []), []);
  });
});
