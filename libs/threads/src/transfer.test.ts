import assert from "node:assert/strict";
import { collectBuffers } from "./transfer.js";

describe("collectBuffers", () => {
  it("leaves out buffers of which a view shows a part", () => {
    const whole = new Float64Array(4);
    const part = new Float64Array(new ArrayBuffer(64), 8, 4);
    const found = collectBuffers({ parts: [part, new Map([["w", { data: whole }]])] });
    assert.deepEqual([...found], [whole.buffer]);
  });
});
