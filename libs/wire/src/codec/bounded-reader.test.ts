import assert from "node:assert/strict";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { BoundedReader, maxFields } from "./bounded-reader.js";

const { ClientUpdate, Tensor, TrialEnd } = fedclair.v1;
const reader = (bytes: Uint8Array, textBytes = 10) => new BoundedReader(bytes, textBytes);

describe("BoundedReader", () => {
  it("reads up to the maximum number of fields, including unknown ones", () => {
    const emptyMetrics = (count: number) =>
      Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 0 : 0x2a));
    const unknown = (count: number) =>
      Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 0 : 0x78));
    assert.equal(ClientUpdate.decode(reader(emptyMetrics(maxFields))).metrics.length, maxFields);
    assert.ok(!("$unknowns" in ClientUpdate.decode(reader(unknown(maxFields)))), "they are kept");
    for (const bytes of [emptyMetrics(maxFields + 1), unknown(maxFields + 1)]) {
      assert.throws(() => ClientUpdate.decode(reader(bytes)), /more than 524288 fields/);
    }
  });

  it("counts the numbers of a shape", () => {
    const shaped = (length: number) =>
      Tensor.encode({ shape: Array<number>(length).fill(1) }).finish();
    assert.equal(Tensor.decode(reader(shaped(maxFields - 1))).shape.length, maxFields - 1);
    assert.throws(() => Tensor.decode(reader(shaped(maxFields))), /more than 524288 fields/);
    // claims 33 million of them, contains one
    const claimed = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0x0f, 1);
    assert.throws(() => Tensor.decode(reader(claimed)), /more than 524288 fields/);
  });

  it("reads a text unchanged, and cuts a long one after a whole character", () => {
    const read = (reason: string) =>
      TrialEnd.decode(reader(TrialEnd.encode({ reason }).finish())).reason;
    for (const text of ["", "short", "1234567890", "東京😀"]) assert.equal(read(text), text);
    assert.equal(read("1234567890a"), "1234567890");
    assert.equal(read("123456789é1"), "123456789");
    assert.equal(read("12345678😀1"), "12345678");
    assert.equal(read("123456😀1"), "123456😀");
  });

  it("continues after a text that it has cut, and refuses one without an end", () => {
    const { Failure } = fedclair.v1;
    const writer = protobuf.Writer.create()
      .uint32(0x12)
      .string("x".repeat(1e6))
      .uint32(0x08)
      .int32(12);
    const bytes = writer.finish();
    const { message, code } = Failure.decode(reader(bytes));
    assert.deepEqual([message, code], ["x".repeat(10), 12]);
    assert.throws(() => Failure.decode(reader(bytes.subarray(0, 1000))), /index out of range/);
  });
});
