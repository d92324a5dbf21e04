import { runCases } from "@fedclair/core/cases";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { format } from "./index.js";

const fixture = new URL("../../../fixtures/alberdice.json", import.meta.url);
const file = JSON.parse(readFileSync(fixture, "utf8")) as Record<string, unknown>;

const run = (sections: object) => runCases(sections, [format]);

describe("the reference cases of AlberDICE", function () {
  this.timeout(30_000);
  for (const [section, content] of Object.entries(file)) {
    // The format recognises a file by the key `bridge_moves`.
    it(section, async () => {
      const outcomes = await run({ bridge_moves: [], [section]: content });
      assert.equal(outcomes.length, Array.isArray(content) ? content.length : 1);
      for (const { name, mismatches } of outcomes)
        assert.deepEqual({ name, mismatches }, { name, mismatches: [] });
    });
  }

  /** Copies a section of the file with one entry replaced. */
  const withReplaced = (path: readonly (string | number)[], value: unknown): object => {
    const [section = ""] = path;
    const copy = structuredClone({ bridge_moves: [], [section]: file[section] });
    let node = copy as unknown as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) node = node[key] as Record<string | number, unknown>;
    node[path.at(-1) ?? ""] = value;
    return copy;
  };

  it("detects one wrong entry of every kind of expectation", async () => {
    const wrong: [readonly (string | number)[], unknown, string][] = [
      [["prng", 0, "then_int5_x8", 2], 4, "then_int5_x8[2]"],
      [["f_divergence", "softchi2", 0], 0.05, "softchi2[0]"],
      [["single_state_dice", 1, "lam"], 0.0715, "lam"],
      [["bridge_moves", 0, "over"], true, "over"],
      [["bridge_moves", 0, "next", 1, 0], 2, "next[1][0]"],
      [["bridge_optimal_actions", 0, "cost"], 11, "cost"],
      [["bridge_best_return_T20"], -1.2, "bridge_best_return_T20"],
      [["bridge_dataset", 1, "after_closure"], 80, "after_closure"],
      [["bridge_dataset", 1, "episodes", 0, "goal"], true, "episodes[0].goal"],
      [["bridge_evaluation", "uniform_T50", "success"], 0.035, "uniform_T50.success"],
      [["matrix", 0, "steps", 3, "kl", 1], 1e-6, "steps[3].kl[1]"],
      [["matrix", 0, "limit", "true_value"], 1, "limit.true_value"],
      [
        ["matrix", 0, "optidice_factorised_value_alpha0.01"],
        0,
        "optidice_factorised_value_alpha0.01",
      ],
      [["mmdp", 0, "best_response", 1, "nu", 1], 0, "best_response[1].nu[1]"],
      [["mmdp", 0, "converged", "J"], 0.65, "converged.J"],
      [["bridge_run", 0, "visited_states"], 24, "visited_states"],
      [["federated", "scores", 1], 0.9877, "scores[1]"],
      [["federated", "surprise"], 1, "surprise"],
      [["mmdp", 0, "surprise"], 1, "surprise"],
    ];
    for (const [path, value, field] of wrong) {
      const outcomes = await run(withReplaced(path, value));
      const fields = outcomes.flatMap(({ mismatches }) => mismatches.map((m) => m.field));
      assert.deepEqual(fields, [field]);
    }
  });

  it("fails a section without a function, and continues after a broken one", async () => {
    const outcomes = await run({
      novelty: [{}],
      matrix: [{ payoff: 1 }],
      bridge_best_return_T50: -1.2354525995574737,
    });
    assert.deepEqual(
      outcomes.map(({ name, mismatches }) => [name, ...mismatches.map(({ message }) => message)]),
      [
        ["novelty[0]", "no function for this section"],
        ["matrix[0]", "payoff: expected an array"],
        ["bridge_best_return_T50"],
      ],
    );
  });

  it("recognises only its own files", () => {
    assert.equal(format.recognises({ format: 1, cases: [] }), false);
    assert.equal(format.recognises([]), false);
    assert.equal(format.recognises(file), true);
  });
});
