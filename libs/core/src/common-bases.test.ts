import assert from "node:assert/strict";
import { resolveParams } from "./client-params.js";
import { CommonBases } from "./common-bases.js";
import { Products } from "./merge.js";
import type { Delta } from "./update.js";

const ones = (size: number) => new Float64Array(size).fill(1);
const base = new Map([["m", { shape: [8, 8], data: new Float64Array(64) }]]);
const pair = (scale: number): Delta =>
  new Map([
    [
      "m",
      {
        b: { shape: [8, 1], data: ones(8).map((x) => x * scale) },
        a: { shape: [1, 8], data: ones(8) },
      },
    ],
  ]);

describe("CommonBases", () => {
  it("adds what several are given to one base, and leaves each its own pairs", async () => {
    const [first, second, shared] = [pair(1), pair(2), pair(10)];
    const given = new Map([
      ["c0", [first, shared]],
      ["c1", [second, shared]],
      ["c2", [shared]],
      ["c3", []],
    ]);
    const common = new CommonBases(given, new Products());
    const start = { base, rounds: [] };
    const [c0, c1, c2, c3] = await Promise.all(
      [...given.values()].map((terms) => common.extend(start, terms)),
    );
    assert.ok(c0 && c1 && c2 && c3);
    assert.deepEqual([c0.rounds, c1.rounds, c2.rounds], [[[first]], [[second]], []]);
    assert.equal(c3.base, base);
    const values = await Promise.all(
      [c0, c1, c2, c3].map(async (own) => (await resolveParams(own)).get("m")?.data[0]),
    );
    assert.deepEqual(values, [11, 12, 10, 0]);
  });

  it("makes one base for all, one after another", async () => {
    const shared = pair(10);
    const common = new CommonBases(
      new Map([
        ["c0", [shared]],
        ["c1", [shared]],
      ]),
      new Products(),
    );
    const c0 = await common.extend({ base, rounds: [] }, [shared]);
    const c1 = await common.extend({ base, rounds: [] }, [shared]);
    assert.equal(c0.base, c1.base);
    assert.equal(
      (await common.extend({ base: new Map(base), rounds: [] }, [shared])).base === c0.base,
      false,
    );
  });
});
