import assert from "node:assert/strict";
import { mostProcesses, processCount } from "./process-count.js";

describe("processCount", () => {
  it("accepts what one machine can run, and rejects more with the limit", () => {
    const parse = processCount("--hosts");
    assert.equal(parse("64"), 64);
    assert.equal(parse(String(mostProcesses)), mostProcesses);
    for (const text of [String(mostProcesses + 1), "100000"])
      assert.throws(() => parse(text), {
        name: "UserError",
        message: `--hosts: expected at most ${mostProcesses} processes on this machine (four per core, but at least 64), got ${text}`,
      });
    assert.throws(() => parse("0"), /--hosts: expected an integer of at least 1, got '0'/);
  });
});
