import assert from "node:assert/strict";
import {
  addScaled,
  frobenius,
  gramNT,
  Matrix,
  splitEnergy,
  stream,
  subtract,
  thinQr,
  at,
  item,
  indices,
} from "@fedclair/linalg";
import { Grams } from "./grams.js";

describe("Grams", () => {
  const blocks = [3, 7, 12].map(
    (width) =>
      new Matrix(
        5,
        width,
        stream("grams")
          .at(width)
          .normals(5 * width),
      ),
  );
  const grams = new Grams(blocks);

  it("sums the Gram matrices of blocks with weights", () => {
    const weights = [0.5, -1, 2];
    const expected = new Matrix(5, 5);
    blocks.forEach((block, k) => {
      addScaled(expected, item(weights, k), gramNT(block));
    });
    assert.ok(frobenius(subtract(grams.sum(indices(3), weights), expected)) < 1e-13);
    const second = blocks.slice(1, 2).map(gramNT);
    for (const gram of second) assert.ok(frobenius(subtract(grams.sum([1]), gram)) < 1e-13);
  });

  it("computes the energy of every block inside a space", () => {
    const basis = thinQr(new Matrix(5, 2, stream("basis").normals(10))).q;
    const inside = grams.inside(basis);
    blocks.forEach((block, k) => {
      const split = splitEnergy(basis, block);
      assert.ok(Math.abs(at(inside, k) - split.inside) < 1e-12);
      assert.ok(Math.abs(at(grams.norms, k) - split.inside - split.outside) < 1e-12);
    });
  });
});
