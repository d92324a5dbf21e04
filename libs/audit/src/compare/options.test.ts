import assert from "node:assert/strict";
import { parseOptions } from "./options.js";

describe("parseOptions", () => {
  it("parses values as YAML, like `run --set`", () => {
    const { rank, rule } = parseOptions(["rank=4", "rule=gap"]);
    assert.deepEqual([rank, rule], [4, { by: "gap", minGap: 1.3 }]);
    assert.equal(parseOptions(["rank=0x4"]).rank, 4);
  });

  it("has the rule evidence by default, whose options can be set", () => {
    const evidence = { by: "evidence", falseAlarmRate: 0.05, undecided: "out" };
    assert.deepEqual(parseOptions([]).rule, evidence);
    assert.deepEqual(parseOptions(["rule.falseAlarmRate=0.2"]).rule, {
      ...evidence,
      falseAlarmRate: 0.2,
    });
    assert.deepEqual(parseOptions(["rule=gap", "rule.minGap=2"]).rule, { by: "gap", minGap: 2 });
  });

  it("rejects unknown options with a suggestion", () => {
    assert.throws(() => parseOptions(["rnak=2"]), {
      message: "--set rnak=2: options: unknown key 'rnak', did you mean 'rank'?",
    });
    assert.throws(() => parseOptions(["rank=two"]), /^UserError: --set rank=two: rank: expected /);
    assert.throws(() => parseOptions(["rank"]), /--set: expected path=value, got 'rank'/);
    assert.throws(() => parseOptions(["rank=[1"]), /--set: the value of 'rank=\[1' is no YAML/);
  });

  it("rejects options that need earlier rounds", () => {
    assert.throws(() => parseOptions(["window=3"]), /--set: window has no effect/);
  });
});
