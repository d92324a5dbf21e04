import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stream } from "@fedclair/core";
import { workspace } from "./support/paths.js";

/** Loads a module of npm run separation, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(
    pathToFileURL(join(workspace, "studies/clair/separation", path)).href
  ) as Promise<T>;
}

interface Client {
  readonly isContaminated: boolean;
  readonly score: number;
}

interface Measures {
  readonly rocArea: (federation: readonly Client[]) => number;
  readonly calibrateThreshold: (clean: readonly (readonly Client[])[], rate: number) => number;
}

interface Reference {
  readonly studentTail: (t: number) => number;
  readonly fisher: (logs: readonly number[]) => number;
  readonly referenceRule: (options: { readonly rank: number; readonly rate: number }) => {
    aggregate(input: { readonly updates: readonly object[] }): Promise<{
      readonly verdicts: readonly { readonly clientId: string; readonly status: string }[];
    }>;
  };
}

const benign = (score: number): Client => ({ isContaminated: false, score });
const bad = (score: number): Client => ({ isContaminated: true, score });

describe("the separation of a rule", () => {
  it("is the share of pairs in which the contaminated client has the higher score", async () => {
    const { rocArea } = await load<Measures>("measures.js");
    // 2 is above 1 and 0; 1 equals 1 and is above 0.
    assert.equal(rocArea([bad(2), benign(1), bad(1), benign(0)]), 3.5 / 4);
  });

  it("is also measured at a threshold that one in a hundred clean federations exceeds", async () => {
    const { calibrateThreshold } = await load<Measures>("measures.js");
    const clean = (count: number) =>
      Array.from({ length: count }, (_, k) => [benign(k + 1), benign(0)]);
    assert.equal(calibrateThreshold(clean(100), 0.01), 99);
    assert.equal(calibrateThreshold(clean(99), 0.01), 99); // none may
  });
});

describe("the reference rule", () => {
  it("computes Student's t with four degrees of freedom and Fisher's method", async () => {
    const { studentTail, fisher } = await load<Reference>("reference-rule.js");
    const near = (x: number, y: number) => {
      assert.ok(Math.abs(x / y - 1) < 1e-6, `${x} is not ${y}`);
    };
    near(studentTail(2.7764451), 0.025); // as tables have it
    near(studentTail(-2.7764451), 0.975);
    near(studentTail(1e6), 3e-24); // 3/t⁴
    near(fisher([Math.log(0.3)]), Math.log(0.3));
    near(fisher([Math.log(0.1), Math.log(0.2)]), Math.log(0.02 * (1 - Math.log(0.02))));
  });

  /**
   * Creates clients that share a direction with a little noise. The last ones are only noise,
   * `times` as large.
   */
  const clients = (others: number, times: number) =>
    Array.from({ length: 8 }, (_, k) => {
      const isOther = k >= 8 - others;
      const data = stream("reference rule")
        .at(k)
        .normals(60, isOther ? times : 0.05);
      const first = isOther ? 0 : 1;
      const own = data.map((x, i) => x + (i < 10 ? first : 0));
      const delta = new Map([["w", { shape: [6, 10], data: own }]]);
      return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta };
    });

  it("flags large clients that differ from the others, one by one, and never more than half", async () => {
    const { referenceRule } = await load<Reference>("reference-rule.js");
    const listFlagged = async (others: number, times: number) => {
      const updates = clients(others, times);
      const { verdicts } = await referenceRule({ rank: 1, rate: 0.01 }).aggregate({ updates });
      return verdicts
        .filter(({ status }) => status === "contaminated")
        .map(({ clientId }) => clientId);
    };
    assert.deepEqual(await listFlagged(0, 0), []);
    assert.deepEqual(await listFlagged(2, 2), ["c6", "c7"]);
    assert.ok((await listFlagged(6, 100)).length <= 4);
  });
});
