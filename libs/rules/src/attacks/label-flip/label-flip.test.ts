import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { create } from "../../../testing/attacks/updates.js";

describe("label-flip", () => {
  const flip = (labels: Int32Array, classes: number) =>
    create("label-flip").corruptLabels?.(labels, classes, stream(1), stream(2));

  it("changes y to classes - 1 - y", () => {
    assert.deepEqual(flip(Int32Array.of(0, 3, 9), 10), Int32Array.of(9, 6, 0));
    assert.deepEqual(flip(Int32Array.of(0, 1, 2), 3), Int32Array.of(2, 1, 0));
  });

  it("rejects a single class", () => {
    assert.throws(() => flip(Int32Array.of(0), 1), UserError);
  });
});
