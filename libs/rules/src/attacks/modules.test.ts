import assert from "node:assert/strict";
import fc from "fast-check";
import { item } from "@fedclair/linalg";
import { scaleModule } from "@fedclair/core";
import { measureNorm } from "./modules.js";
import { f32, f64 } from "../../testing/attacks/updates.js";

describe("measureNorm", () => {
  it("is the root of the sum of squares of a dense tensor", () => {
    assert.equal(measureNorm(f32([2, 2], 1, -1, 1, -1)), 2);
    assert.equal(measureNorm(f64([], -3)), 3);
  });

  it("is the norm of the product of factors: [1 0; 1 1]·[1 2; 1 0] = [1 2; 2 2], √13", () => {
    const norm = measureNorm({ b: f32([2, 2], 1, 0, 1, 1), a: f64([2, 2], 1, 2, 1, 0) });
    assert.ok(Math.abs(norm - Math.sqrt(13)) < 1e-14);
  });

  it("is 0 for factors that cancel: [1 1]·[1; -1]", () => {
    assert.equal(measureNorm({ b: f64([1, 2], 1, 1), a: f64([2, 1], 1, -1) }), 0);
    // Rounding leaves a remainder of -2.7e-20 here.
    const pair = { b: f64([1, 2], 0.1, 0.1 * 1.1), a: f64([2, 1], 0.1 * 1.1, -0.1) };
    assert.equal(measureNorm(pair), 0);
  });

  it("agrees with the norm of the multiplied-out product", () => {
    const entry = fc.integer({ min: -9, max: 9 });
    const factor = fc.array(entry, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(factor, factor, (b, a) => {
        let squares = 0;
        for (let i = 0; i < 3; i++) {
          for (let j = 0; j < 3; j++) {
            squares += (item(b, 2 * i) * item(a, j) + item(b, 2 * i + 1) * item(a, 3 + j)) ** 2;
          }
        }
        const norm = measureNorm({ b: f64([3, 2], ...b), a: f64([2, 3], ...a) });
        assert.ok(Math.abs(norm - Math.sqrt(squares)) <= 1e-9 * (1 + Math.sqrt(squares)));
      }),
    );
  });
});

describe("scale", () => {
  it("scales a dense tensor, and the left factor of a pair", () => {
    assert.deepEqual(scaleModule(f32([2], 1, 2), -3), f32([2], -3, -6));
    const pair = { b: f32([2, 1], 1, 2), a: f32([1, 1], 5) };
    assert.deepEqual(scaleModule(pair, 2), { b: f32([2, 1], 2, 4), a: f32([1, 1], 5) });
  });
});
