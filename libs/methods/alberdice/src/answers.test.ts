import fc from "fast-check";
import assert from "node:assert/strict";
import { at, item } from "@fedclair/linalg";
import { directionScores, poolAnswers, weightLogits, type AgentAnswer } from "./answers.js";
import { toLogits, toPolicy, drawInitialLogits } from "./logits.js";
import { normalise } from "./policy.js";
import { assertNear, assertWithin } from "../testing/datasets.js";

const answer = (logits: number[], visits: number[]): AgentAnswer => ({ logits, visits });

describe("clients' answers", () => {
  it("are weighted by the square roots of their visits", () => {
    assert.deepEqual([...weightLogits(answer([1, -1, 2, 3], [0.25, 0]))], [0.5, -0.5, 0, 0]);
  });

  it("are pooled row by row from the clients that visited the state, and other rows keep their values", () => {
    const answers = [
      answer([1, -1, 5, -5, 0, 0], [0.5, 0.5, 0]),
      answer([3, -3, 0, 0, 0, 0], [1, 0, 0]),
    ];
    const before = [9, 9, 9, 9, 7, 8];
    assert.deepEqual([...poolAnswers(answers, before, "mean")], [2, -2, 5, -5, 7, 8]);
    assert.deepEqual(
      [...poolAnswers([...answers, answer([8, -8, 0, 0, 0, 0], [1, 0, 0])], before, "median")],
      [3, -3, 5, -5, 7, 8],
    );
    assert.deepEqual([...poolAnswers([], before, "mean")], before);
  });

  it("are scored by their median cosine with the others", () => {
    const vectors = [
      [2, 0],
      [1, 0],
      [3, 4],
      [-1, 0],
      [0, 0],
    ].map((vector) => Float64Array.from(vector));
    const scores = directionScores(vectors);
    // Cosines of the first with the others: 1, 0.6, -1, 0; their median is (0.6 + 0)/2.
    [0.3, 0.3, 0.3, -0.8, 0].forEach((expected, k) => {
      assertNear(scores[k], expected, 1e-15);
    });
    assert.deepEqual(directionScores([Float64Array.of(1, 0)]), [1]);
  });
});

describe("logits", () => {
  it("are cut at the clip for a certain action", () => {
    // ln 0 is raised to -20: (0, -20, -20) minus its mean is (40, -20, -20)/3, cut to 10.
    const logits = toLogits(Float64Array.of(1, 0, 0), 10);
    [10, -20 / 3, -20 / 3].forEach((expected, a) => {
      assertNear(logits[a], expected, 1e-12);
    });
  });

  it("convert back into the policy unless they were cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
        (weights) => {
          const row = normalise(Float64Array.from(weights));
          const logits = toLogits(row, 10);
          assertNear(
            logits.reduce((total, x) => total + x, 0),
            0,
            1e-12,
          );
          toPolicy(logits, 1)[0]?.forEach((p, a) => {
            assertNear(p, at(row, a), 1e-12);
          });
        },
      ),
      { seed: 1 },
    );
  });

  it("start within ± sigma, agent by agent", () => {
    let k = 0;
    const draws = [0, 0.5, 0.75, 0.25, 1, 0.5, 0.5, 0];
    const [first, second] = drawInitialLogits({ states: 2, actions: [2, 2] }, 0.1, () =>
      item(draws, k++),
    );
    assert.deepEqual([...(first ?? [])], [-0.1, 0, 0.05, -0.05]);
    assertWithin(second?.[0] ?? NaN, 0.1, 0.1);
  });
});
