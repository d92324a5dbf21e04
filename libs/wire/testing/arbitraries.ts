import type { Delta, TensorDelta, Params, Tensor, Update } from "@fedclair/core";
import { sizeOf } from "@fedclair/core";
import fc from "fast-check";
import type { WorkId } from "../src/codec/work-id.js";

/** A record with the usual prototype, as decoded ones have. */
export function plain<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record<T>(model, { noNullPrototype: true });
}

/** Zero, negative zero, the smallest denormals of both types, infinities and NaN come often. */
const number = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 5e-324, -5e-324, 1e-45, Infinity, -Infinity, NaN),
);

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

export const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(shape, fc.boolean())
  .chain(([extents, single]) => {
    const size = sizeOf(extents);
    return fc
      .array(number, { minLength: size, maxLength: size })
      .map((x) => ({ shape: extents, data: single ? Float32Array.from(x) : Float64Array.from(x) }));
  });

function named<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> {
  const entry = fc.tuple(fc.string({ unit: "grapheme" }), value);
  return fc
    .uniqueArray(entry, { selector: ([name]) => name, maxLength: 4 })
    .map((entries) => new Map(entries));
}

export const params: fc.Arbitrary<Params> = named(tensor);

const change: fc.Arbitrary<TensorDelta> = fc.oneof(tensor, plain({ b: tensor, a: tensor }));
const delta: fc.Arbitrary<Delta> = named(change);

export const workId: fc.Arbitrary<WorkId> = plain({
  serial: fc.nat(),
  round: fc.nat(),
  phase: fc.string(),
  kind: fc.constantFrom("train", "evaluate"),
});

export const update: fc.Arbitrary<Update> = plain({
  clientId: fc.string(),
  numExamples: fc.nat(),
  delta,
  metrics: named(number).map((metrics) => Object.fromEntries(metrics)),
});

/** A valid message with one byte changed, cut off somewhere, or both. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.nat({ max: bytes.length }),
      fc.nat({ max: bytes.length }),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([length, at, mask]) => {
      const copy = bytes.slice(0, length);
      if (at < length) copy[at] = (copy[at] ?? 0) ^ mask;
      return copy;
    });
}
