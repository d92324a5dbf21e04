import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import fc from "fast-check";
import { checkPacked, toBfloat16, toInt8 } from "./packed.js";
import { payloadBytes, readNumbers, sizeOf, type Tensor } from "./tensor.js";
import { lineAt, linesOf } from "./unpack.js";

const f32 = (shape: readonly number[], ...values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});
const half = () => 0.5;

describe("bfloat16", () => {
  it("keeps 8 bits of significand, to the nearest and of two the even one", () => {
    const cases: readonly (readonly [number, number])[] = [
      [1, 1],
      [-0, -0],
      [1 + 2 ** -7, 1 + 2 ** -7],
      [1 + 2 ** -8, 1], // half way between 1 and 1 + 2⁻⁷
      [1 + 3 * 2 ** -8, 1 + 2 ** -6],
      [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
      [-3.14159, -3.140625],
      [1e-40, 2 ** -133], // denormals too
      [Infinity, Infinity],
      [NaN, NaN],
    ];
    const data = readNumbers(toBfloat16(f32([cases.length], ...cases.map(([x]) => x))));
    assert.deepEqual(
      [...data],
      cases.map(([, y]) => Math.fround(y)),
    );
  });

  it("is off by at most one part in 256, and of two bytes a number", () => {
    const number = fc.float({ noNaN: true, min: Math.fround(1e-30), max: Math.fround(1e30) });
    fc.assert(
      fc.property(fc.array(number), (numbers) => {
        const tensor = toBfloat16(f32([numbers.length], ...numbers));
        readNumbers(tensor).forEach((y, i) => {
          const x = numbers[i] ?? NaN;
          assert.ok(Math.abs(y - x) <= Math.abs(x) / 256, `${x} ${y}`);
        });
        assert.equal(payloadBytes([tensor]), 2 * numbers.length);
      }),
    );
  });
});

describe("int8", () => {
  it("has a scale for each row, or column where there are fewer, or part along the first extent", () => {
    const lines = (...shape: number[]) => {
      const cut = linesOf(shape);
      const all = Array.from({ length: sizeOf(shape) }, (_, i) => lineAt(i, cut));
      return [cut.count, all.join("")];
    };
    assert.deepEqual(lines(2, 3), [2, "000111"]);
    assert.deepEqual(lines(3, 2), [2, "010101"]);
    assert.deepEqual(lines(2, 2), [2, "0011"]);
    assert.deepEqual(lines(3, 1, 2), [3, "001122"]);
    assert.deepEqual(lines(3), [1, "000"]);
    assert.deepEqual(lines(), [1, "0"]);
    assert.deepEqual(lines(0, 3), [0, ""]);
  });

  it("writes hand-checkable codes", () => {
    // Up to the last bit, the scale is 1 for the first row and 2 for the second: 3.6 becomes 3 or
    // 4, and 254 becomes 127.
    const tensor = toInt8(f32([2, 3], 127, -3.6, 0, 254, 99, -254), () => 0.3);
    assert.deepEqual([...tensor.codes], [127, -3, 0, 127, 50, -127]);
    const [first = NaN, second = NaN] = tensor.scales;
    assert.ok(Math.abs(first - 1) < 1e-6 && Math.abs(second - 2) < 1e-6);
    assert.deepEqual([...readNumbers(tensor)].map(Math.round), [127, -3, 0, 254, 100, -254]);
    assert.equal(payloadBytes([tensor]), 6 + 2 * 4);
  });

  it("is off by less than a step, up or down, and is right in the mean", () => {
    const number = fc.double({ noNaN: true, min: -1e20, max: 1e20 });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), (numbers) => {
        const tensor: Tensor = { shape: [numbers.length], data: Float64Array.from(numbers) };
        const [low, high] = [toInt8(tensor, () => 1 - 2 ** -53), toInt8(tensor, () => 0)];
        const step = low.scales[0] ?? NaN;
        numbers.forEach((x, i) => {
          const [a = NaN, b = NaN] = [readNumbers(low)[i], readNumbers(high)[i]];
          const slack = 1e-5 * Math.max(...numbers.map(Math.abs)) + 1e-40;
          assert.ok(a <= x + slack && x <= b + slack && b - a <= step + slack, `${a} ${x} ${b}`);
        });
      }),
    );
    const rng = stream("int8");
    const tensor = f32([2], 1, 0.3);
    const sum = Array.from(
      { length: 20_000 },
      () => readNumbers(toInt8(tensor, () => rng.uniform()))[1],
    );
    const mean = sum.reduce<number>((total, x) => total + (x ?? NaN), 0) / 20_000;
    assert.ok(Math.abs(mean - 0.3) < 1e-4, `${mean}`); // four standard errors: steps are 1/127
  });

  it("keeps zeros, the smallest numbers, and what is not finite from becoming numbers", () => {
    assert.deepEqual([...readNumbers(toInt8(f32([3], 0, -0, 0), half))], [0, 0, 0]);
    assert.ok([...readNumbers(toInt8(f32([2], 1e-45, 0), half))].every((x) => x <= 1e-45));
    for (const odd of [NaN, Infinity]) {
      const data = readNumbers(toInt8(f32([2, 2], odd, 1, 1, 2), half));
      assert.ok(Number.isNaN(data[0]) || data[0] === Infinity);
      assert.ok(Math.abs((data[3] ?? NaN) - 2) < 1e-5, "the other row");
    }
  });

  it("has a code for each number and a scale for each line", () => {
    const tensor = toInt8(f32([2, 2], 1, 2, 3, 4), half);
    checkPacked(tensor);
    const check = (changes: object) => () => {
      checkPacked({ ...tensor, ...changes });
    };
    assert.throws(check({ shape: [2, 3] }), /4 codes for 6 numbers/);
    assert.throws(check({ scales: new Float32Array(1) }), /1 scales for 2 lines/);
  });
});
