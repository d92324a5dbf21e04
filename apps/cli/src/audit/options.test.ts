import assert from "node:assert/strict";
import { parseOptions } from "./options.js";

describe("parseOptions", () => {
  it("takes values as YAML, as `run --set` does", () => {
    const { rank, rule } = parseOptions(["rank=4", "rule=none"]);
    assert.deepEqual([rank, rule], [4, "none"]);
    assert.equal(parseOptions(["rank=0x4"]).rank, 4);
    assert.equal(parseOptions([]).rule, "evidence");
  });

  it("refuses what CLAIR does not have, and says what was meant", () => {
    assert.throws(() => parseOptions(["rnak=2"]), {
      message: "--set rnak=2: options: unknown key 'rnak', did you mean 'rank'?",
    });
    assert.throws(() => parseOptions(["rank=two"]), /^UserError: --set rank=two: rank: expected /);
    assert.throws(() => parseOptions(["rank"]), /--set: expected path=value, got 'rank'/);
    assert.throws(() => parseOptions(["rank=[1"]), /--set: the value of 'rank=\[1' is no YAML/);
  });

  it("refuses what only earlier rounds give a sense", () => {
    assert.throws(() => parseOptions(["window=3"]), /--set: window has no effect/);
  });
});
