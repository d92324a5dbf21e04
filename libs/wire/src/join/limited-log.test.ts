import assert from "node:assert/strict";
import { createLimitedLog } from "./limited-log.js";

describe("createLimitedLog", () => {
  it("prints twenty lines in ten seconds, and then how many more there were", () => {
    const lines: string[] = [];
    let now = 0;
    const log = createLimitedLog(
      (line) => lines.push(line),
      () => now,
    );
    for (let i = 0; i < 100; i++) log(`line ${i}`, "warn");
    assert.equal(lines.length, 20);
    now = 10_001;
    log("later", "warn");
    assert.deepEqual(lines.slice(19), ["line 19", "… and 80 more lines like these", "later"]);
  });
});
