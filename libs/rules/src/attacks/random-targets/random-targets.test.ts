import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { create } from "../../../testing/attacks/updates.js";

describe("random-targets", () => {
  it("keeps nothing of the labels: every class is equally frequent", () => {
    const threes = new Int32Array(20_000).fill(3);
    const labels =
      create("random-targets").corruptLabels?.(threes, 4, stream(1), stream(2)) ?? threes;
    for (let label = 0; label < 4; label++) {
      const fraction = labels.filter((other) => other === label).length / labels.length;
      // Six standard deviations of a fraction of 1/4 are 0.018.
      assert.ok(Math.abs(fraction - 0.25) < 0.018, `class ${label}: ${fraction}`);
    }
  });
});
