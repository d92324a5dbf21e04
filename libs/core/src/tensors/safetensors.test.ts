import assert from "node:assert/strict";
import fc from "fast-check";
import { UserError } from "../words/errors.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  headerEnd,
  viewSafetensors,
  type StoredType,
} from "./safetensors.js";
import type { Dense, Numbers, Params } from "./tensor.js";

/** A file of the given header and data, put together without the encoder. */
function file(header: string, data: readonly number[] = []): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  bytes[0] = json.length;
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const one = (dtype: string, shape: readonly number[], begin: number, end: number) =>
  JSON.stringify({ w: { dtype, shape, data_offsets: [begin, end] } });

function value(bytes: Uint8Array): Numbers | undefined {
  return decodeSafetensors(bytes).params.get("w")?.data;
}

describe("safetensors", () => {
  it("are read without a copy where numbers lie on a multiple of their size", () => {
    const params: Params = new Map<string, Dense>([
      ["a", { shape: [1], data: Float32Array.of(1.5) }],
      ["b", { shape: [2], data: Float64Array.of(2, -3) }],
      ["c", { shape: [1], data: Float32Array.of(4) }],
    ]);
    const bytes = encodeSafetensors(params);
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    for (const [file, views] of [
      [bytes, ["a", "c"]],
      [moved.subarray(1), []],
    ] as const) {
      const read = viewSafetensors(file).params;
      assert.deepEqual(read, params);
      const shared = [...read].filter(([, { data }]) => data.buffer === file.buffer);
      assert.deepEqual(
        shared.map(([name]) => name),
        views,
      );
    }
  });

  it("writes the bytes that the format prescribes", () => {
    const params: Params = new Map([["w", { shape: [1], data: Float32Array.of(1) }]]);
    const header = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(56);
    assert.deepEqual(encodeSafetensors(params), file(header, [0, 0, 0x80, 0x3f]));
  });

  it("keeps names in insertion order, also those that look like integers", () => {
    const names = ["b", "10", "a", "2", "__proto__"];
    const params = new Map(names.map((name) => [name, { shape: [], data: Float32Array.of(1) }]));
    assert.deepEqual([...decodeSafetensors(encodeSafetensors(params)).params.keys()], names);
  });

  it("writes every number of two bytes as it was read, and rounds others to the nearest", () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const bytes = [...new Uint8Array(words.buffer)];
    for (const dtype of ["F16", "BF16"] as const) {
      const read = decodeSafetensors(file(one(dtype, [65536], 0, 131072), bytes));
      const again = decodeSafetensors(encodeSafetensors(read.params, {}, new Map([["w", dtype]])));
      // As lists: NaN has many bit patterns.
      const [before, after] = [read, again].map(({ params }) => [...(params.get("w")?.data ?? [])]);
      assert.deepEqual(after, before);
      assert.equal(again.tensors[0]?.type, dtype);
    }
    const rounded = (type: StoredType, ...values: number[]) => {
      const params = new Map([["w", { shape: [values.length], data: Float32Array.from(values) }]]);
      return [...(value(encodeSafetensors(params, {}, new Map([["w", type]]))) ?? [])];
    };
    // Halves lie 2⁻¹⁰ apart above 1, and of two as near the even one is taken.
    const step = 2 ** -10;
    const halves = rounded(
      "F16",
      1 + 0.4 * step,
      1 + 0.5 * step,
      1 + 1.5 * step,
      65519,
      65520,
      3e-8,
    );
    assert.deepEqual(halves, [1, 1, 1 + 2 * step, 65504, Infinity, 2 ** -24]);
    assert.deepEqual(rounded("BF16", 1 + 2 ** -8, 1 + 3 * 2 ** -8), [1, 1 + 2 ** -6]);
  });

  it("reads numbers of one byte", () => {
    const e4m3 = value(file(one("F8_E4M3", [5], 0, 5), [0x38, 0xc4, 0x01, 0x7e, 0x7f]));
    assert.deepEqual([...(e4m3 ?? [])], [1, -3, 2 ** -9, 448, NaN]);
    const e5m2 = value(file(one("F8_E5M2", [3], 0, 3), [0x3c, 0xc2, 0x7c]));
    assert.deepEqual([...(e5m2 ?? [])], [1, -3, Infinity]);
  });

  it("returns every tensor and the metadata bit for bit, from any offset in memory", () => {
    const tensor = fc.oneof(
      fc.float32Array().map((data): Dense => ({ shape: [data.length, 1], data })),
      fc.float64Array().map((data): Dense => ({ shape: [1, data.length], data })),
    );
    const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: "binary" }), tensor), {
      selector: ([name]) => name,
    });
    const texts = fc.dictionary(fc.string({ unit: "grapheme" }), fc.string());
    fc.assert(
      fc.property(entries, texts, (list, metadata) => {
        const params = new Map(list.filter(([name]) => name !== "__metadata__"));
        const encoded = encodeSafetensors(params, metadata);
        const shifted = new Uint8Array(encoded.length + 3);
        shifted.set(encoded, 3);
        const decoded = decodeSafetensors(shifted.subarray(3));
        assert.deepEqual(Object.fromEntries(decoded.params), Object.fromEntries(params));
        assert.deepEqual({ ...decoded.metadata }, { ...metadata });
      }),
    );
  });

  it("decodes half and brain floats to float32", () => {
    // 1.5, -2, the least subnormal 2^-24, infinity
    const half = [0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c];
    assert.deepEqual(
      value(file(one("F16", [4], 0, 8), half)),
      Float32Array.of(1.5, -2, 2 ** -24, Infinity),
    );
    assert.deepEqual(
      value(file(one("BF16", [2], 0, 4), [0xc0, 0x3f, 0x00, 0xc0])),
      Float32Array.of(1.5, -2),
    );
  });

  it("refuses a header above the limit of the caller", () => {
    const bytes = file('{"a": 1}');
    assert.equal(headerEnd(bytes, bytes.length, 8), 16);
    assert.throws(
      () => headerEnd(bytes, bytes.length, 7),
      /the header has 8 bytes, at most 7 are expected/,
    );
  });

  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["too few bytes", Uint8Array.of(1, 2), /2 bytes are too few/],
    ["a header beyond the file", file("{}").subarray(0, 9), /claims 2 bytes, 1 follow/],
    ["a header that is not JSON", file("{w}"), /not JSON/],
    ["a header that is not an object", file("[]"), /not a JSON object/],
    ["an unknown type", file(one("I64", [1], 0, 8)), /dtype "I64", expected one of F64/],
    ["a shape that is none", file(one("F32", [-1], 0, 4)), /shape \[-1\]/],
    ["offsets in reverse", file(one("F32", [1], 4, 0)), /data_offsets \[4,0\]/],
    ["a length unlike its shape", file(one("F32", [2], 0, 4), [0, 0, 0, 0]), /shape 2 .* 4 bytes/],
    ["a hole", file(one("F32", [1], 4, 8), Array<number>(8).fill(0)), /begins at byte 4, not 0/],
    ["data cut short", file(one("F32", [1], 0, 4), [0, 0]), /ends at byte 4 of 2/],
    ["bytes at the end", file("{}", [0]), /1 bytes follow/],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}'), /__metadata__\.a/],
  ];
  for (const [what, bytes, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decodeSafetensors(bytes),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });
  }

  it("refuses to write a tensor whose shape and length disagree", () => {
    const params: Params = new Map([["w", { shape: [2, 3], data: new Float32Array(5) }]]);
    assert.throws(() => encodeSafetensors(params), /"w": shape 2×3 needs 6 entries, got 5/);
  });
});
