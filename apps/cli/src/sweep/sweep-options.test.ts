import assert from "node:assert/strict";
import { parseShare } from "./sweep-options.js";

describe("--share", () => {
  it("takes the number of a task and of all tasks", () => {
    assert.deepEqual(parseShare("3/40"), { index: 3, count: 40 });
    for (const text of ["4/4", "1", "-1/4", "1/0", "a/b", "1/2/3"]) {
      assert.throws(() => parseShare(text), /--share: expected the number of a task, .* got '/);
    }
  });
});
