import { gaussian, hstack, stream, type Matrix } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { idOf, updateOf } from "@fedclair/rules/testing";
import { clairAggregator, clairSchema } from "./index.js";

/** An update with a zero column comes from a layer with an input that is never active. */
describe("clair on an update with a zero column", () => {
  const verdictsOf = async (changes: readonly Matrix[]) => {
    const { verdicts } = await clairAggregator
      .create(clairSchema.parse({ rule: "gap" }) as never)
      .aggregate({
        round: 1,
        phase: "train",
        updates: changes.map((m, k) => updateOf(idOf(k), { m })),
        rng: stream(1),
      });
    assert.ok(verdicts?.length === changes.length);
    return verdicts;
  };

  it("judges eight dense 10×6 updates the same wherever the zero column is", async () => {
    const changes = Array.from({ length: 8 }, (_, k) =>
      gaussian(stream("zero column").at(k), 10, 6),
    );
    changes[0]?.column(5).fill(0);
    const last = await verdictsOf(changes);
    for (const from of [1, 3, 5]) {
      // The zero column is now column 5 - from.
      const turned = changes.map((x) => hstack([x.columns(from, 6), x.columns(0, from)]));
      for (const [k, { status, score }] of (await verdictsOf(turned)).entries()) {
        const expected = last[k];
        assert.equal(status, expected?.status);
        assert.ok(typeof score === "number" && typeof expected?.score === "number");
        assert.ok(Math.abs(score - expected.score) <= 1e-9, `${score} is not ${expected.score}`);
      }
    }
  });
});
