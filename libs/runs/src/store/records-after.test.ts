import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientOf, recordOf } from "../../testing/run-of.js";
import type { ArmRecord } from "../measures/arm-record.js";
import { recordsAfter, recordsEnd } from "./records-after.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(place: number): Promise<[round: number, end: number][]> {
  const found: [number, number][] = [];
  for await (const { value, end } of recordsAfter(folder, place)) found.push([value.round, end]);
  return found;
}

const recordIn = (round: number, phase = "train"): ArmRecord => {
  return { ...recordOf("clair", round, clientOf("c00", null, "benign")), phase };
};

describe("recordsAfter", () => {
  it("goes on at any place of a JSON-lines file, counted in bytes", async () => {
    const lines = [recordIn(1, "é\u2028"), recordIn(2)].map((one) => `${JSON.stringify(one)}\n`);
    await writeFile(join(folder, "records.jsonl"), lines.join(""));
    const [first = 0, second = 0] = lines.map((line) => Buffer.byteLength(line));
    assert.deepEqual(await read(0), [
      [1, first],
      [2, first + second],
    ]);
    assert.deepEqual(await read(first), [[2, first + second]]);
    assert.equal(await recordsEnd(folder), first + second);
    await appendFile(join(folder, "records.jsonl"), '{"arm":"clair"');
    assert.deepEqual(await read(first + second), []);
    assert.deepEqual(await read(10 * (first + second)), []);
  });

  it("finds nothing where no run is", async () => {
    assert.deepEqual(await read(0), []);
    assert.equal(await recordsEnd(folder), 0);
  });
});
