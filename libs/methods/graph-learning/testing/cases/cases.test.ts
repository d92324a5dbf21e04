import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { format } from "./index.js";

type Json = Record<string, unknown>;

const fixture = new URL("../../../fixtures/logspect.json", import.meta.url);

async function file(): Promise<Json & { cases: Json[]; unit: Json; pooling: Json }> {
  return JSON.parse(await readFile(fixture, "utf8")) as Json & {
    cases: Json[];
    unit: Json;
    pooling: Json;
  };
}

async function mismatchesOf(changed: Json): Promise<string[]> {
  const outcomes = await format.run(changed);
  return outcomes.flatMap(({ name, mismatches }) =>
    mismatches.map(({ field }) => `${name} ${field}`),
  );
}

describe("reference cases of rLogSpecT", function () {
  this.timeout(120_000);

  it("pass", async () => {
    const outcomes = await format.run(await file());
    assert.equal(outcomes.length, 13);
    for (const { name, mismatches } of outcomes) assert.deepEqual(mismatches, [], name);
  });

  it("fail if a result is wrong, a field is unknown, or an input is missing", async () => {
    const { cases, unit, pooling, ...head } = await file();
    const [first = {}, second = {}] = cases;
    const changed = {
      ...head,
      extra: 1,
      unit: { ...unit, adj: unit.comm },
      pooling: { ...pooling, flagged_lowrank: [1] },
      cases: [
        { ...first, objective: 3, rspect_feasible: false, degrees: [1, 1, 1], surplus: 0 },
        { ...second, C_upper: undefined },
      ],
    };
    assert.deepEqual(await mismatchesOf(changed), [
      "file extra",
      "unit adj[2][2]",
      "pooling flagged_lowrank",
      "pub-00 objective (L-ADMM)",
      "pub-00 objective",
      "pub-00 objective",
      "pub-00 degrees[2]",
      "pub-00 rspect_feasible",
      "pub-00 surplus",
      "pub-01 error",
    ]);
  });

  it("are recognised by their content", async () => {
    assert.ok(format.recognises(await file()));
    for (const other of [null, [], {}, { cases: [] }, { cases: [{ kind: "clair", name: "a" }] }]) {
      assert.ok(!format.recognises(other));
    }
  });
});
