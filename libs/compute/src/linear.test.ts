import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { Floats, unreleasedFloats } from "./floats.js";
import { Linear } from "./linear.js";
import { Adam, descend, relu } from "./optimiser-steps.js";

/** Integers with many zeros; sums of their products are exact in float32. */
const entries = (count: number) =>
  fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -9, max: 9 })), {
    minLength: count,
    maxLength: count,
  });

const problems = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    inputs: fc.integer({ min: 1, max: 40 }),
    outputs: fc.oneof(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 30, max: 70 })),
    hasBias: fc.boolean(),
  })
  .chain(({ rows, inputs, outputs, hasBias }) =>
    fc.record({
      rows: fc.constant(rows),
      layer: fc.constant({ inputs, outputs, hasBias }),
      x: entries(rows * inputs),
      weights: entries((inputs + Number(hasBias)) * outputs),
      dy: entries(rows * outputs),
    }),
  );

/** Σ over k of a(i, k)·b(k, j), rows×columns. */
function product(
  [rows, inner, columns]: readonly [number, number, number],
  a: (i: number, k: number) => number,
  b: (k: number, j: number) => number,
): number[] {
  return Array.from({ length: rows * columns }, (_, cell) => {
    let total = 0;
    for (let k = 0; k < inner; k++) {
      total += a(Math.floor(cell / columns), k) * b(k, cell % columns);
    }
    return total;
  });
}

describe("Linear", () => {
  it("is x·W + bias, with its gradients, for all sizes", () => {
    const before = unreleasedFloats();
    fc.assert(
      fc.property(problems, ({ rows, layer: { inputs, outputs, hasBias }, x, weights, dy }) => {
        const linear = new Linear(inputs, outputs, hasBias);
        linear.weights.write(weights);
        const input = new Floats(rows, inputs).write(x);
        const output = new Floats(rows, outputs);
        const slope = new Floats(rows, outputs).write(dy);
        const inputSlope = new Floats(rows, inputs);
        const wide = inputs + Number(hasBias);
        const xAt = (s: number, i: number) => (i === inputs ? 1 : (x[s * inputs + i] ?? NaN));
        const wAt = (i: number, j: number) => weights[i * outputs + j] ?? NaN;
        const dyAt = (s: number, j: number) => dy[s * outputs + j] ?? NaN;

        linear.forward(input, output, rows);
        const y = product([rows, wide, outputs], xAt, wAt);
        assert.deepEqual([...output.read()].map(plain), y.map(plain));

        linear.back(input, slope, rows);
        const gradient = product([wide, rows, outputs], (i, s) => xAt(s, i), dyAt);
        assert.deepEqual([...linear.gradient.read()].map(plain), gradient.map(plain));

        const dx = product([rows, outputs, inputs], dyAt, (j, i) => wAt(i, j));
        linear.backInputs(slope, inputSlope, rows);
        linear.backInputs(slope, inputSlope, rows, undefined, true);
        assert.deepEqual(
          [...inputSlope.read()].map(plain),
          dx.map((d) => plain(2 * d)),
        );
        linear.backInputs(slope, inputSlope, rows, input);
        const passed = dx.map((d, i) => plain(x[i] === 0 ? 0 : d));
        assert.deepEqual([...inputSlope.read()].map(plain), passed);

        for (const one of [linear, input, output, slope, inputSlope]) one.release();
      }),
    );
    assert.equal(unreleasedFloats(), before);
  });

  it("cuts off units by an array at the start of memory, too", async () => {
    // A separate process, because that place is taken in this one.
    const source = `
      import { Floats, Linear } from ${JSON.stringify(new URL("./index.js", import.meta.url))};
      const read = new Floats(1, 2).write([0, 1]);
      const linear = new Linear(2, 1, false);
      linear.weights.write([5, 7]);
      const dx = new Floats(1, 2);
      linear.backInputs(new Floats(1, 1).write([1]), dx, 1, read);
      console.log(JSON.stringify([...dx.read()]));
    `;
    const args = ["--input-type=module", "--eval", source];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.deepEqual(JSON.parse(stdout), [0, 7]);
  });

  it("adds to existing content", () => {
    const linear = new Linear(1, 2, false);
    linear.weights.write([3, 4]);
    const x = new Floats(1, 1).write([2]);
    const y = new Floats(1, 2).write([100, 200]);
    linear.forward(x, y, 1, true);
    assert.deepEqual([...y.read()], [106, 208]);
  });

  /** Treats -0 as 0. */
  function plain(value: number): number {
    return value + 0;
  }
});

describe("Floats", () => {
  it("converts every byte as JavaScript divides it by 255", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const floats = new Floats(2, 256);
    floats.writeRow(1, bytes);
    assert.deepEqual(
      floats.read().subarray(256),
      Float32Array.from(bytes, (byte) => byte / 255),
    );
    floats.writeRow(1, Float32Array.from(bytes));
    assert.deepEqual(floats.read().subarray(256), Float32Array.from(bytes));
    floats.release();
  });

  it("pads rows with zeros, and reads them without padding", () => {
    const floats = new Floats(2, 3).write([1, 2, 3, 4, 5, 6]);
    assert.deepEqual([...floats.data], [1, 2, 3, 0, 4, 5, 6, 0]);
    assert.deepEqual([...floats.read(1)], [1, 2, 3]);
    floats.release();
  });

  it("writes and reads the transpose", () => {
    const floats = new Floats(2, 3).writeTransposed([1, 4, 2, 5, 3, 6]);
    assert.deepEqual([...floats.data], [1, 2, 3, 0, 4, 5, 6, 0]);
    assert.deepEqual([...floats.readTransposed()], [1, 4, 2, 5, 3, 6]);
    floats.release();
  });

  it("keeps its numbers when the memory grows", () => {
    const first = new Floats(1, 4).write([1, 2, 3, 4]);
    const large = new Floats(1024, 4096);
    assert.deepEqual([...first.read()], [1, 2, 3, 4]);
    assert.ok(large.read().every((value) => value === 0));
    large.release();
    first.release();
  });
});

describe("steps", () => {
  it("cut below 0 and descend along the gradient", () => {
    const values = new Floats(1, 3).write([-1, 0, 2]);
    relu(values, 1);
    assert.deepEqual([...values.read()], [0, 0, 2]);
    descend(values, new Floats(1, 3).write([1, -2, 4]), 0.5);
    assert.deepEqual([...values.read()], [-0.5, 1, 0]);
  });

  it("of Adam are as large as the rate at first, and remember: 1, then -1 leaves +rate/19", () => {
    const value = new Floats(1, 2).write([1, 1]);
    const gradient = new Floats(1, 2).write([5, -0.01]);
    const adam = new Adam(value);
    adam.step(gradient, 0.1, 0.999);
    const [first = NaN, second = NaN] = value.read();
    assert.ok(Math.abs(first - 0.9) < 1e-6 && Math.abs(second - 1.1) < 1e-6, `${first} ${second}`);
    adam.step(gradient.write([-5, -0.01]), 0.1, 0.999);
    const [turned = NaN] = value.read();
    assert.ok(Math.abs(turned - (0.9 + 0.1 / 19)) < 1e-5, String(turned));
  });
});
