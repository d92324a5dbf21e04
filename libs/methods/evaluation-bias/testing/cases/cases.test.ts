import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runCases } from "@fedclair/core/cases";
import { format } from "./index.js";

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

interface File {
  readonly tolerance: object;
  readonly cases: readonly Case[];
}

const fixture = new URL("../../../fixtures/evaluation-bias.json", import.meta.url);
const file = JSON.parse(readFileSync(fixture, "utf8")) as File;

const run = (cases: readonly unknown[], others: object = {}) =>
  runCases({ tolerance: file.tolerance, cases, ...others }, [format]);

describe("reference cases of evaluation-bias", () => {
  for (const testCase of file.cases) {
    it(testCase.id, async () => {
      assert.deepEqual(await run([testCase]), [{ name: testCase.id, mismatches: [] }]);
    });
  }

  /** Copies a case with the entry at `path` replaced. */
  const withReplaced = (
    id: string,
    path: readonly (string | number)[],
    value: unknown,
  ): unknown => {
    const set = (node: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
      if (key === undefined) return value;
      const copy = structuredClone(node) as Record<string | number, unknown>;
      copy[key] = set(copy[key], rest);
      return copy;
    };
    return set(
      file.cases.find((c) => c.id === id),
      path,
    );
  };

  it("fail at one wrong entry of every kind and at unknown fields, and name the field", async () => {
    const wrong: [string, readonly (string | number)[], unknown, string][] = [
      ["gauss-a2", ["expect", "gamma"], 2.7559, "gamma"],
      ["gauss-a2", ["expect", "U", 3, 1], 1.7, "U[3][1]"],
      ["gauss-a2", ["expect", "pdf", 8, 1], 0.0022, "pdf[8][1]"],
      ["gauss-a2", ["expect", "error"], "INFEASIBLE", "error"],
      ["gauss-a2", ["expect", "surprise"], 1, "surprise"],
      ["gauss-a2", ["seed"], 1, "seed"],
      ["gauss-a2", ["tau"], "low", "error"],
      ["gauss-a2", ["density", "kind"], "cauchy", "error"],
      ["gauss3-a3-sel", ["expect", "selection", 4, "utility"], 4.75, "selection[4].utility"],
      ["gauss3-a3-sel", ["expect", "selection", 0, "rule"], "lottery", "error"],
      ["pareto-a5-heavy", ["expect", "var"], null, "var"],
      ["gauss-curve", ["expect", "rows", 5, 3], -0.5, "rows[5].mean"],
      ["discrete-7", ["expect", "pmf", 2], 0.3, "pmf[2]"],
      ["network-degrees", ["expect", "mle", "alpha"], 2.75, "mle.alpha"],
      ["network-degrees", ["expect", "grid_best", "kl"], 3, "grid_best.kl"],
      ["federated-8", ["expect", "residual", 0], 0.2268, "residual[0]"],
      ["federated-8", ["expect", "flagged"], [1], "flagged"],
      ["federated-8", ["expect", "basis_row3", 7], -3.2, "basis_row3[7]"],
      ["federated-8", ["expect", "naive", 1, "tau"], 1.5, "naive[1].tau"],
      ["federated-8", ["settings", "extra"], 1, "settings.extra"],
    ];
    for (const [id, path, value, field] of wrong) {
      const [outcome] = await run([withReplaced(id, path, value)]);
      assert.deepEqual(
        outcome?.mismatches.map((m) => m.field),
        [field],
        `${id} ${path.join(".")}`,
      );
    }
  });

  it("may expect an error, a reduced skew, and moments that diverge", async () => {
    const density = { kind: "pareto", beta: 3 };
    const base = { kind: "density", density, loss: "log", alpha: 2 };
    const outcomes = await run([
      { id: "diverges", ...base, tau: 3, expect: { mean: null, var: null } },
      { id: "heavy", ...base, tau: 50, expect: { error: "INFEASIBLE" } },
      {
        id: "skew",
        ...base,
        tau: 0.2,
        expect: {
          selection: [{ frac2: 0.5, c: 0.05, rule: "reduceSkew", arg: 0, ratio: 0.758341549 }],
        },
      },
      { id: "new", kind: "novel", expect: {} },
    ]);
    assert.deepEqual(
      outcomes.map(({ mismatches }) => mismatches.map(({ message }) => message)),
      [[], [], [], ["no function yet for kind novel"]],
    );
  });

  it("may have a description, and no other field of the file", async () => {
    const outcomes = await run([], { description: "x", seeds: [1] }).catch(() => []);
    assert.deepEqual(outcomes, []);
    const [, surplus] = await run(file.cases.slice(0, 1), { description: "x", seeds: [1] });
    assert.equal(surplus?.mismatches[0]?.field, "seeds");
  });
});
