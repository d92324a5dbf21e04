import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RefinedPair } from "@fedclair/aggregators";
import { toDense, type LowRank } from "@fedclair/core";
import { frobenius, subtract } from "@fedclair/linalg";
import { findAdapters } from "../adapters/find-adapters.js";
import { openAdapter, readPair } from "../adapters/peft.js";
import { groupByAdapter } from "./refined-pairs.js";
import { writeRefined } from "./write-refined.js";

const fixtures = new URL("../../../fixtures/adapters/presidents", import.meta.url);

async function pairsIn(folder: string): Promise<Map<string, LowRank>> {
  const { modules } = await openAdapter(folder);
  return new Map([...modules].map(([module, pair]) => [module, readPair(pair)]));
}

describe("refined adapters", () => {
  it("are written unchanged if refining cannot improve them", async () => {
    const out = await mkdtemp(join(tmpdir(), "refined-"));
    try {
      const found = (await findAdapters([fileURLToPath(fixtures)])).adapters;
      const two = found.slice(0, 2);
      const [first, second] = await Promise.all(two.map(({ folder }) => pairsIn(folder)));
      assert.ok(first && second && two[0] && two[1]);
      const [gaining, losing] = [two[0].name, two[1].name];
      // Both are refined to the first adapter. The break-even share of the second is above 1.
      const refined = groupByAdapter(
        new Map(
          [...first].map(([module, pair]) => {
            const of = (leastError: number): RefinedPair => {
              return { pair, tail: 0.1, outside: 4, leastError };
            };
            return [
              module,
              new Map([
                [gaining, of(1)],
                [losing, of(5)],
              ]),
            ];
          }),
        ),
      );
      const written = await writeRefined(out, two, refined);
      assert.deepEqual(written.unchanged, [losing]);
      assert.deepEqual(written.breakEven, { [gaining]: 0.25 });
      assert.ok(Math.abs(written.discarded - 0.1) < 1e-12);
      for (const [name, expected] of [
        [gaining, first],
        [losing, second],
      ] as const) {
        const got = await pairsIn(join(out, name));
        for (const [module, pair] of expected) {
          const [x, y] = [pair, got.get(module) ?? pair].map(toDense);
          assert.ok(x && y && frobenius(subtract(x, y)) < 1e-2 * frobenius(x), name);
        }
        assert.equal(got.size, expected.size);
      }
    } finally {
      await rm(out, { recursive: true });
    }
  });
});
