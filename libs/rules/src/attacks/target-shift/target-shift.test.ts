import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { create } from "../../../testing/attacks/updates.js";

describe("target-shift", () => {
  const labels = Int32Array.of(0, 3, 9);

  it("adds 7, modulo the number of classes, for every client", () => {
    const attack = create("target-shift");
    for (const client of [1, 2]) {
      const shifted = attack.corruptLabels?.(labels, 10, stream(client), stream(0));
      assert.deepEqual(shifted, Int32Array.of(7, 0, 6));
    }
  });

  it("rejects a shift that changes nothing", () => {
    assert.throws(
      () => create("target-shift").corruptLabels?.(labels, 7, stream(1), stream(0)),
      (error) =>
        error instanceof UserError &&
        /a shift of 7 leaves the labels of 7 classes as they are/.test(error.message),
    );
  });
});
