import assert from "node:assert/strict";
import fc from "fast-check";
import { admitEvaluation, admitUpdate, shapesOf, type Shapes } from "./admission.js";
import { addTerms, Products } from "./merge.js";
import type { Dense, Params, Tensor } from "./tensor.js";
import { bounds, jsonBytes } from "../words/text.js";
import type { TensorDelta, Update } from "./update.js";

const f32 = (shape: readonly number[], ...x: number[]): Dense => ({
  shape,
  data: Float32Array.from(x),
});
const f64 = (shape: readonly number[], ...x: number[]): Dense => ({
  shape,
  data: Float64Array.from(x),
});

const params: Params = new Map([
  ["single", f32([2, 2], 1, 2, 3, 4)],
  ["double", f64([2], 5, 6)],
]);
const expected = shapesOf(params);

/** An update that is admitted, with the given changes. */
function update(changes: Partial<Update> = {}, delta: Record<string, TensorDelta> = {}): Update {
  const honest = { single: f32([2, 2], 1, 0, 0, 0), double: f64([2], 0, 0) };
  return {
    clientId: "c0",
    numExamples: 1,
    delta: new Map(Object.entries({ ...honest, ...delta })),
    metrics: {},
    ...changes,
  };
}

function refusal(changes: Partial<Update>, delta: Record<string, TensorDelta> = {}): string {
  const failure = admitUpdate(update(changes, delta), expected);
  return failure ? `${failure.code}: ${failure.message}` : "admitted";
}

const metricsOf = (names: readonly string[], value = 1) =>
  Object.fromEntries(names.map((name) => [name, value]));

describe("shapesOf", () => {
  it("tells shapes and dtypes", () => {
    assert.deepEqual(
      [...expected],
      [
        ["single", { shape: [2, 2], dtype: "f32" }],
        ["double", { shape: [2], dtype: "f64" }],
      ],
    );
  });
});

describe("admitUpdate, modules", () => {
  it("takes dense changes and factors, in either dtype", () => {
    assert.equal(refusal({}), "admitted");
    assert.equal(refusal({}, { single: f64([2, 2], 1, 2, 3, 4) }), "admitted");
    assert.equal(refusal({}, { double: f32([2], 1, 2) }), "admitted");
    const pair = { b: f32([2, 1], 1, 2), a: f64([1, 2], 1, 2) };
    assert.equal(refusal({}, { single: pair }), "admitted");
    const empty = { b: f32([2, 0]), a: f32([0, 2]) };
    assert.equal(refusal({}, { single: empty }), "admitted");
  });

  it("names modules that are missing or too many", () => {
    assert.equal(
      refusal({ delta: new Map([["double", f64([2], 0, 0)]]) }),
      "WRONG_MODULES: modules [single] are missing",
    );
    assert.equal(
      refusal({}, { other: f64([1], 0) }),
      "WRONG_MODULES: modules [other]: expected only [single, double]",
    );
  });

  it("names a few of very many modules", () => {
    const many = Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`m${i}`, f64([0])]));
    assert.equal(
      refusal({}, many),
      "WRONG_MODULES: modules [m0, m1, m2, m3, m4, … 99995 more]: expected only [single, double]",
    );
  });

  it("names a shape that is wrong, of the module, its factors or its data", () => {
    assert.equal(
      refusal({}, { double: f64([3], 0, 0, 0) }),
      "WRONG_SHAPE: module double: expected 2, got 3",
    );
    assert.equal(
      refusal({}, { single: { b: f32([2, 1], 1, 2), a: f32([2, 2], 1, 2, 3, 4) } }),
      "WRONG_SHAPE: module single: factors 2×1 and 2×2 do not multiply",
    );
    const zeros = (n: number) => new Array<number>(n).fill(0);
    const rank = (r: number) => {
      return { b: f32([2, r], ...zeros(2 * r)), a: f32([r, 2], ...zeros(2 * r)) };
    };
    assert.equal(refusal({}, { single: rank(256) }), "admitted");
    assert.equal(
      refusal({}, { single: rank(257) }),
      "WRONG_SHAPE: module single: factors of rank 257, expected at most 256",
    );
    assert.equal(
      refusal({}, { double: f64([2], 0) }),
      "WRONG_SHAPE: module double: 1 numbers for a tensor of 2",
    );
  });
});

describe("admitUpdate, numbers", () => {
  it("knows the range of a float32 module, in whatever dtype the number comes", () => {
    const beyond = "expected at most 1e+30 in size (f32)";
    const cases: [Tensor, string][] = [
      [f64([2, 2], 0, 0, 1e50, 0), `NON_FINITE: module single: entry 2 is 1e+50, ${beyond}`],
      [f64([2, 2], 0, -3e38, 0, 0), `NON_FINITE: module single: entry 1 is -3e+38, ${beyond}`],
      [f32([2, 2], NaN, 0, 0, 0), `NON_FINITE: module single: entry 0 is NaN, ${beyond}`],
      [
        f32([2, 2], 0, 0, 0, -Infinity),
        `NON_FINITE: module single: entry 3 is -Infinity, ${beyond}`,
      ],
      [f64([2, 2], 1e30, 0, 0, -1e30), "admitted"],
      [f64([2, 2], 5e-324, -0, 1e-45, 0), "admitted"],
    ];
    for (const [single, said] of cases) assert.equal(refusal({}, { single }), said);
    assert.match(
      refusal({}, { single: f32([2, 2], 3e38, 0, 0, 0) }),
      /^NON_FINITE: module single: entry 0 is 3\.\d+e\+38, expected at most 1e\+30 in size \(f32\)$/,
    );
  });

  it("knows the range of a float64 module", () => {
    assert.equal(refusal({}, { double: f64([2], 1e50, -1e50) }), "admitted");
    assert.equal(
      refusal({}, { double: f64([2], 0, 1.1e50) }),
      "NON_FINITE: module double: entry 1 is 1.1e+50, expected at most 1e+50 in size (f64)",
    );
  });

  it("looks at factors, and at what their product may reach", () => {
    const pair = (b: number, a: number) => ({ b: f64([2, 1], 0, b), a: f64([1, 2], a, 0) });
    assert.equal(refusal({}, { single: pair(1e15, -1e15) }), "admitted");
    assert.equal(
      refusal({}, { single: pair(1, NaN) }),
      "NON_FINITE: module single: entry 0 of factor a is NaN, expected at most 1e+30 in size (f32)",
    );
    assert.equal(
      refusal({}, { single: pair(-1e31, 1) }),
      "NON_FINITE: module single: entry 1 of factor b is -1e+31, expected at most 1e+30 in size (f32)",
    );
    assert.equal(
      refusal({}, { single: pair(-1e20, 1e20) }),
      "NON_FINITE: module single: the product of its factors may reach 1e+40, expected at most 1e+30 in size (f32)",
    );
    const wide = {
      b: f64([2, 4], ...Array<number>(8).fill(1e15)),
      a: f64([4, 2], ...Array<number>(8).fill(1e15)),
    };
    assert.match(refusal({}, { single: wide }), /may reach 4e\+30/);
  });

  it("lets nothing through that makes params of any dtype non-finite, be there a million of it", async () => {
    const wild = fc.oneof(
      fc.double(),
      fc.double({ min: -1e31, max: 1e31, noNaN: true }),
      fc.constantFrom(1e30, -1e30, 3e38, 1e50, NaN, Infinity),
    );
    const numbers = fc.array(wild, { minLength: 4, maxLength: 4 });
    const dense = numbers.map((x): TensorDelta => f64([2, 2], ...x));
    const pair = fc
      .tuple(numbers, numbers)
      .map(([b, a]): TensorDelta => ({ b: f64([2, 2], ...b), a: f64([2, 2], ...a) }));
    const everyDtype: Shapes = new Map([
      ["single", { shape: [2, 2], dtype: "f32" }],
      ["double", { shape: [2, 2], dtype: "f64" }],
    ]);
    const start: Params = new Map([
      ["single", f32([2, 2], 1, 2, 3, 4)],
      ["double", f64([2, 2], 1, 2, 3, 4)],
    ]);
    const one = fc.oneof(dense, pair);
    await fc.assert(
      fc.asyncProperty(one, one, async (single, double) => {
        const delta = new Map([
          ["single", single],
          ["double", double],
        ]);
        if (admitUpdate(update({ delta }), everyDtype)) return;
        const merged = await addTerms(start, [delta], new Products());
        for (const { data } of merged.values()) {
          assert.ok(data.map((x) => 1e6 * x).every(Number.isFinite), String(data));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("wants samples, and measurements that are finite", () => {
    for (const numExamples of [0, -1, 1.5, NaN, 2 ** 53]) {
      assert.equal(
        refusal({ numExamples }),
        `MALFORMED: numExamples: expected an integer ≥ 1, got ${numExamples}`,
      );
    }
    assert.equal(refusal({ metrics: { loss: NaN } }), "NON_FINITE: metric loss is NaN");
    assert.equal(refusal({ metrics: { loss: 1e300 } }), "admitted");
  });
});

describe("admitUpdate, names", () => {
  it("takes 256 metrics and no more", () => {
    const names = Array.from({ length: 256 }, (_, i) => `metric ${i}`);
    assert.equal(refusal({ metrics: metricsOf(names) }), "admitted");
    assert.equal(
      refusal({ metrics: metricsOf([...names, "one more"]) }),
      "MALFORMED: 257 metrics: at most 256 are allowed",
    );
  });

  it("takes names of 128 printable characters and no longer ones", () => {
    assert.equal(refusal({ metrics: metricsOf(["é".repeat(128)]) }), "admitted");
    for (const name of ["x".repeat(129), "x".repeat(95e6), "a\nb", "a\u202eb"]) {
      const said = refusal({ metrics: metricsOf([name]) });
      assert.match(
        said,
        /^MALFORMED: metric '.*': expected a name of at most 128 printable characters$/,
      );
      assert.ok(said.length < 200);
    }
    assert.match(refusal({}, { "w\u2028": f64([1], 0) }), /^MALFORMED: module 'w\\u\{2028\}'/);
  });

  it("says of an evaluation the same, and that it has no modules", () => {
    const measured = update({ delta: new Map(), metrics: { loss: 1 } });
    assert.equal(admitEvaluation(measured), undefined);
    assert.equal(admitEvaluation(update())?.code, "WRONG_MODULES");
    assert.equal(admitEvaluation({ ...measured, metrics: { x: NaN } })?.code, "NON_FINITE");
    assert.equal(
      admitEvaluation({ ...measured, metrics: metricsOf(["\x1b[2J"]) })?.code,
      "MALFORMED",
    );
  });

  it("bounds what it says of an update, whatever is in it", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom("single", "double", "\n".repeat(500), "x".repeat(5000)),
    );
    const tensor = fc
      .tuple(
        fc.array(fc.nat({ max: 3 }), { maxLength: 3 }),
        fc.array(fc.double(), { maxLength: 9 }),
      )
      .map(([shape, x]) => f64(shape, ...x));
    const delta = fc
      .array(fc.tuple(text, fc.oneof(tensor, fc.record({ b: tensor, a: tensor }))), {
        maxLength: 4,
      })
      .map((entries) => new Map<string, TensorDelta>(entries));
    const metrics = fc
      .array(fc.tuple(text, fc.double()), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries));
    fc.assert(
      fc.property(delta, metrics, fc.double(), (delta, metrics, numExamples) => {
        const failure = admitUpdate(update({ delta, metrics, numExamples }), expected);
        assert.ok(jsonBytes(failure?.message ?? "") <= bounds.failureBytes + 2);
      }),
    );
  });
});
