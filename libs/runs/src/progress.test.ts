import assert from "node:assert/strict";
import { tell } from "./progress.js";

describe("tell", () => {
  it("says what a round showed, in a line", () => {
    const verdict = { verdict: "contaminated" as const, score: 3, threshold: 2 };
    const ids = Array.from({ length: 10 }, (_, i) => `c0${i}`);
    const record = {
      round: 2,
      phase: "train",
      clients: [
        ...ids.map((clientId) => ({
          clientId,
          attack: "flip",
          failure: null,
          ...verdict,
          train: { loss: 9 },
        })),
        { clientId: "c10", attack: null, failure: null, train: { loss: 0.25 } },
        { clientId: "c11", attack: null, failure: { code: "LATE" as const, message: "" } },
      ],
      metrics: {},
      bytes: { down: 0, up: 0 },
    };
    const arm = { label: "clair", aggregator: { name: "clair" }, benignOnly: false };
    assert.equal(tell(arm, { ...record, clients: [] }), "clair round 2");
    assert.equal(
      tell(arm, record),
      "clair round 2: training loss 0.250 · flagged c00 c01 c02 c03 c04 c05 c06 c07 +2 · 1 failed",
    );
  });
});
