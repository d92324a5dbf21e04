import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runCases } from "@fedclair/core/cases";
import { format } from "./index.js";

interface File {
  readonly conventions: string;
  readonly tolerance: object;
  readonly cases: readonly { readonly kind: string }[];
  readonly training: readonly { readonly name: string }[];
}

const fixture = new URL("../../../fixtures/vdt.json", import.meta.url);
const file = JSON.parse(readFileSync(fixture, "utf8")) as File;

const run = (changes: object) => runCases({ ...file, training: [], ...changes }, [format]);

/** Copies a node with the entry at `path` set to `value`. */
function replaceAt(
  node: unknown,
  [key, ...rest]: readonly (string | number)[],
  value: unknown,
): unknown {
  if (key === undefined) return value;
  const copy = structuredClone(node) as Record<string | number, unknown>;
  copy[key] = replaceAt(copy[key], rest, value);
  return copy;
}

describe("reference cases of value-driven transport", () => {
  for (const [i, testCase] of file.cases.entries()) {
    it(`${i} ${testCase.kind}`, async () => {
      assert.deepEqual(await run({ cases: [testCase] }), [
        { name: `0 ${testCase.kind}`, mismatches: [] },
      ]);
    });
  }

  it("detects a wrong entry, an unknown field and an unknown kind", async () => {
    const at = (kind: string) => file.cases.find((c) => c.kind === kind);
    const wrong: [string, readonly (string | number)[], unknown, string][] = [
      ["w2", ["expected", "w2"], 1, "expected.w2"],
      ["sliced_w2", ["expected"], 1, "expected"],
      ["gaussian", ["expected", "value", "0.5", 1], 1, "expected.value.0.5[1]"],
      ["network_step", ["expected", "grads", "W2", 0, 1], 1, "expected.grads.W2[0][1]"],
      [
        "network_step",
        ["expected", "second_order_variant", "loss"],
        1,
        "expected.second_order_variant.loss",
      ],
      ["network_step", ["hidden"], 5, "error"],
      ["lora", ["expected", "adapter_grads", "W1", "C"], [[1]], "expected.adapter_grads.W1.C"],
      ["lp", ["one_optimal_dual", 0, 0], 99, "error"],
      ["tabular", ["gamma_initial", 0, 0], 0.5, "error"],
      ["path", ["surprise"], 1, "surprise"],
      ["w2", ["kind"], "w3", "kind"],
    ];
    for (const [kind, path, value, field] of wrong) {
      const [outcome] = await run({ cases: [replaceAt(at(kind), path, value)] });
      assert.deepEqual(
        outcome?.mismatches.map((m) => m.field),
        [field],
        `${kind} ${path.join(".")}`,
      );
    }
  });

  it("fails an unknown part of the file, and a threshold that training misses", async function () {
    this.timeout(20_000);
    const outcomes = await run({
      cases: file.cases.slice(0, 1),
      surprise: 1,
      training: [
        {
          name: "too short",
          source: "normal",
          target: "8 modes, radius 2, std 0.2",
          steps: 1,
          thresholds: { W2_max: 0.42, W3_max: 1, energy_over_W22: [0.75, 1.1] },
        },
      ],
    });
    assert.deepEqual(
      outcomes.map(({ name, mismatches }) => [name, ...mismatches.map((m) => m.field)]),
      [
        ["0 w2"],
        ["training too short", "W2_max", "W3_max", "energy_over_W22"],
        ["surprise", "surprise"],
      ],
    );
  });
});
