import assert from "node:assert/strict";
import type { Difference } from "./differences.js";
import { judgeBaseline } from "./findings.js";

describe("judgeBaseline", () => {
  const judge = (main: Difference["outcome"], ...common: readonly Difference["outcome"][]) => {
    const of = (outcome: Difference["outcome"]) => ({ outcome }) as Difference;
    return judgeBaseline({ label: "local", main: of(main), common: common.map(of) });
  };

  it("goes by the data common to all as well, where personal and shared models compare", () => {
    // The main arm is worse, so the baseline is better.
    assert.equal(judge("worse"), "better");
    assert.equal(judge("not distinguishable", "worse"), "better");
    assert.equal(judge("not distinguishable", "better"), "worse");
    assert.equal(judge("not distinguishable", "not distinguishable"), "alike");
    assert.equal(judge("better", "worse"), "mixed");
    assert.equal(judge("better", "not distinguishable"), "worse");
  });
});
