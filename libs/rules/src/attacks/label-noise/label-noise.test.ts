import assert from "node:assert/strict";
import { stream, item } from "@fedclair/linalg";
import { create } from "../../../testing/attacks/updates.js";

const zeros = new Int32Array(20_000);

/** The fractions of 20 000 labels, all 0 before, in each of 4 classes. */
function fractions(probability: number): number[] {
  const attack = create("label-noise", { probability });
  const labels = attack.corruptLabels?.(zeros, 4, stream(1), stream(2)) ?? zeros;
  const counts = [0, 0, 0, 0];
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1 / labels.length;
  return counts;
}

describe("label-noise", () => {
  it("keeps every label at probability 0", () => {
    assert.deepEqual(
      create("label-noise", { probability: 0 }).corruptLabels?.(zeros, 4, stream(1), stream(2)),
      zeros,
    );
  });

  it("replaces a fraction of the labels by uniformly drawn classes", () => {
    // At 0.4 each class gets 0.1 of the labels, the true one 0.6 more; six standard deviations are
    // 0.021 at most.
    const expected = [0.7, 0.1, 0.1, 0.1];
    fractions(0.4).forEach((fraction, label) => {
      assert.ok(Math.abs(fraction - item(expected, label)) < 0.021, `class ${label}: ${fraction}`);
    });
  });

  it("draws independently for every client", () => {
    const attack = create("label-noise");
    const one = attack.corruptLabels?.(zeros, 4, stream(1), stream(2));
    assert.notDeepEqual(attack.corruptLabels?.(zeros, 4, stream(3), stream(2)), one);
  });

  it("rejects a probability outside 0 … 1", () => {
    assert.throws(() => create("label-noise", { probability: 1.5 }), /probability/);
  });
});
