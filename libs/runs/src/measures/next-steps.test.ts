import assert from "node:assert/strict";
import { listNextSteps } from "./next-steps.js";
import type { Summary } from "./summary.js";

const steps = (measures: Readonly<Record<string, number>>, rule = "clair", judged = 20) => {
  const undecided = { name: "detection.undecided", value: 0, n: judged };
  const guessing = { accuracy: 0.1, loss: 2.3 };
  return listNextSteps([{ measures, guessing, details: [undecided] } as unknown as Summary], {
    arms: [rule, "local", "oracle"].map((label) => ({ label, benignOnly: label === "oracle" })),
    measures: {
      metrics: { accuracy: { better: "higher", description: "share" } },
      primary: "accuracy",
    },
  });
};

describe("the next steps after a result", () => {
  it("are a smaller learning rate if no arm is better than guessing", () => {
    const low = { "accuracy.clair": 0.11, "accuracy.local": 0.09, "accuracy.oracle": 0.9 };
    assert.deepEqual(steps(low), [
      "no arm is better than guessing (accuracy 0.100): training may diverge, so try a smaller learning rate",
    ]);
    assert.deepEqual(steps({ ...low, "accuracy.local": 0.2 }), []);
  });

  it("are a smaller learning rate if the loss of every arm is far above that of guessing", () => {
    const accuracy = { "accuracy.clair": 0.8, "accuracy.local": 0.7 };
    assert.deepEqual(steps({ ...accuracy, "loss.clair": 9e5, "loss.local": 24 }), [
      "the loss of every arm is far above that of guessing (2.300): training diverges, so try a smaller learning rate",
    ]);
    assert.deepEqual(steps({ ...accuracy, "loss.clair": 9e5, "loss.local": 3 }), []);
  });

  it("are power or the ranking if no contaminated client is flagged", () => {
    const none = { "detection.recall": 0 };
    assert.match(steps(none)[0] ?? "", /fedclair power with the trial file says which kinds/);
    assert.match(steps(none, "multi-krum")[0] ?? "", /the scores in the table of clients/);
    assert.deepEqual(steps({ "detection.recall": 0.2 }), []);
    assert.deepEqual(steps({}), []);
    assert.deepEqual(steps(none, "clair", 5), []);
  });
});
