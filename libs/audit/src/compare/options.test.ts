import assert from "node:assert/strict";
import { parseClairOptions } from "./options.js";

describe("parseOptions", () => {
  it("parses values as YAML, like `run --set`", () => {
    const { rank, rule } = parseClairOptions(["rank=4", "rule=gap"]);
    assert.deepEqual([rank, rule], [4, { by: "gap", minGap: 1.3 }]);
    assert.equal(parseClairOptions(["rank=0x4"]).rank, 4);
  });

  it("has the rule evidence by default, whose options can be set", () => {
    const evidence = { by: "evidence", falseAlarmRate: 0.05, undecided: "out" };
    assert.deepEqual(parseClairOptions([]).rule, evidence);
    assert.deepEqual(parseClairOptions(["rule.falseAlarmRate=0.2"]).rule, {
      ...evidence,
      falseAlarmRate: 0.2,
    });
    assert.deepEqual(parseClairOptions(["rule=gap", "rule.minGap=2"]).rule, {
      by: "gap",
      minGap: 2,
    });
  });

  it("rejects unknown options with a suggestion", () => {
    assert.throws(() => parseClairOptions(["rnak=2"]), {
      message: "--set rnak=2: options: unknown key 'rnak', did you mean 'rank'?",
    });
    assert.throws(
      () => parseClairOptions(["rank=two"]),
      /^UserError: --set rank=two: rank: expected /,
    );
    assert.throws(() => parseClairOptions(["rank"]), /--set: expected path=value, got 'rank'/);
    assert.throws(
      () => parseClairOptions(["rank=[1"]),
      /--set: the value of 'rank=\[1' is no YAML/,
    );
  });

  it("rejects options that need earlier rounds", () => {
    assert.throws(() => parseClairOptions(["window=3"]), /--set: window has no effect/);
  });
});
