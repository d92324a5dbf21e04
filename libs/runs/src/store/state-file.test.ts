import { createStored } from "@fedclair/core/internal";
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readState, writeState } from "./state-file.js";

describe("a state on disk", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    path = join(folder, "state");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const there = async (value: unknown) => {
    await writeState(path, value);
    return await readState(path);
  };

  it("is read back unchanged: JSON values, maps, and arrays of every kind with any bits", async () => {
    const arrays = fc.oneof(
      fc.float32Array(),
      fc.float64Array(),
      fc.int32Array(),
      fc.uint8Array(),
      fc.uint32Array(),
      fc.bigInt64Array(),
    );
    const json = fc.json().map((text): unknown => JSON.parse(text));
    const named = fc.dictionary(fc.string(), arrays, { noNullPrototype: true });
    const value = fc.oneof(json, arrays, named);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.string(), value)), async (entries) => {
        const map = new Map(entries);
        assert.deepEqual(await there({ map, none: undefined }), { map, none: undefined });
      }),
      { numRuns: 50 },
    );
  });

  it("contains the numbers of stored tensors, each once, also in a value that contains itself", async () => {
    let reads = 0;
    const numbers = Float32Array.of(1, 2);
    const stored = createStored([2], "f32", 8, () => {
      reads++;
      return numbers.slice();
    });
    const value: Record<string, unknown> = { window: new Map([["c0", [stored]]]), again: stored };
    value["self"] = value;
    const back = (await there(value)) as typeof value;
    const dense = { shape: [2], data: numbers };
    assert.deepEqual(back["window"], new Map([["c0", [dense]]]));
    assert.deepEqual(back["again"], dense);
    assert.equal(back["self"], back);
    assert.equal(reads, 1);
  });

  it("preserves object identity, and stores only the used part of a buffer", async () => {
    const base = new Map([
      ["w", { shape: [2], data: new Float64Array([0, 1, 2, 3]).subarray(1, 3) }],
    ]);
    const back = (await there([base, { base, data: base.get("w")?.data }])) as [
      typeof base,
      { base: typeof base; data: Float64Array },
    ];
    assert.equal(back[0], back[1].base);
    assert.equal(back[0].get("w")?.data, back[1].data);
    assert.deepEqual([...back[1].data], [1, 2]);
    assert.equal(back[1].data.buffer.byteLength, 16);
  });

  it("is reported as damaged if any bit has changed", async () => {
    await writeState(path, { name: "a", data: Float64Array.of(1, 2, 3) });
    const whole = await readFile(path);
    for (let at = 17; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 4;
      await writeFile(path, changed);
      await assert.rejects(readState(path), /is damaged|is cut off/, `byte ${at}`);
    }
  });

  it("keeps large and small arrays in their order", async () => {
    const sizes = [3, 2 ** 18, 1, 0, 2 ** 17 + 1, 5];
    const arrays = sizes.map((size, i) => new Float64Array(size).fill(i));
    assert.deepEqual(await there(arrays), arrays);
  });

  it("is rejected if truncated or of another kind, and stays unchanged if a new one cannot be written", async () => {
    await there({ data: new Float64Array(100) });
    const whole = await readFile(path);
    await assert.rejects(
      writeState(path, { broken: () => 1 }),
      /^UserError: a state cannot be stored: .*() => 1 could not be cloned\.: expected JSON/,
    );
    await assert.rejects(writeState(path, new DataView(new ArrayBuffer(8))), /no other views/);
    assert.deepEqual(await readFile(path), whole);
    assert.deepEqual(await readdir(folder), ["state"]);
    for (const bytes of [whole.length - 1, 30, 5]) {
      await truncate(path, bytes);
      await assert.rejects(readState(path), /UserError: '.*state' is cut off/);
    }
    await writeFile(path, "something else that is long enough");
    await assert.rejects(readState(path), /is no state that this release of fedclair can read/);
  });
});
