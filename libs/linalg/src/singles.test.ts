import assert from "node:assert/strict";
import { hstack, Matrix, multiplySingles, multiplyTN, packSingles } from "./index.js";
import { gaussian } from "../testing/gaussian.js";

/** Pads columns with zeros. */
const pad = (matrix: Matrix, cols: number) =>
  hstack([matrix, new Matrix(matrix.rows, cols - matrix.cols)]);

describe("products in float32", () => {
  for (const rows of [1, 255, 256, 257, 700]) {
    it(`agree with float64 for ${rows} rows`, () => {
      const lefts = [gaussian(rows, 3, "a"), gaussian(rows, 4, "b"), gaussian(rows, 9, "c")];
      const rights = [gaussian(rows, 8, "d"), gaussian(rows, 1, "e")];
      const product = multiplySingles(lefts.map(packSingles), rights.map(packSingles));
      const stack = (blocks: readonly Matrix[], of: number) => {
        const whole = hstack(blocks.map((one) => pad(one, 4 * Math.ceil(one.cols / 4))));
        return pad(whole, of * Math.ceil(whole.cols / of));
      };
      const expected = multiplyTN(stack(lefts, 8), stack(rights, 4));
      assert.deepEqual([product.rows, product.cols], [expected.rows, expected.cols]);
      expected.data.forEach((x, i) => {
        assert.ok(Math.abs(x - (product.data[i] ?? NaN)) < 1e-6 * (rows + 10), `entry ${i}`);
      });
    });
  }

  it("reject other heights and too many columns", () => {
    const [tall, wide] = [packSingles(gaussian(5, 4, "a")), packSingles(gaussian(4, 516, "b"))];
    assert.throws(() => multiplySingles([tall], [wide]), /heights differ: 5 and 4/);
    assert.throws(() => multiplySingles([wide], [wide]), /516 columns, more than 512/);
  });
});
