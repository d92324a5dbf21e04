import assert from "node:assert/strict";
import type { ClientRecord } from "@fedclair/core/internal";
import { DetectionTally } from "./detection.js";

const clientOf = (
  clientId: string,
  attack: string | null,
  verdict: "benign" | "contaminated" | "undecided",
): ClientRecord => ({ clientId, attack, failure: null, verdict, score: 1, threshold: 1 });

function measuresOf(...rounds: readonly ClientRecord[][]): Map<string, number> {
  const tally = new DetectionTally();
  for (const clients of rounds) tally.add(clients);
  return new Map(tally.measures().map(({ metric, value }) => [metric, value]));
}

describe("measures of detection", () => {
  it("count the last verdict on each client if rounds judge different clients", () => {
    const measures = measuresOf(
      [clientOf("c0", "flip", "benign"), clientOf("c1", null, "contaminated")],
      [clientOf("c0", "flip", "contaminated"), clientOf("c2", "flip", "undecided")],
      [clientOf("c1", null, "benign"), clientOf("c3", null, "contaminated")],
    );
    assert.equal(measures.get("recallOfClients"), 0.5);
    assert.equal(measures.get("falseAlarmsOfClients"), 1);
    assert.equal(measures.get("recallMean"), 1 / 3);
  });

  it("count no undecided clients as 0, so that means over seeds include such runs", () => {
    const measures = measuresOf([clientOf("c0", "flip", "contaminated")]);
    assert.equal(measures.get("undecided"), 0);
    assert.equal(measures.get("undecidedMean"), 0);
  });

  it("count undecided clients of the last round by truth", () => {
    const measures = measuresOf(
      [clientOf("c0", "flip", "undecided"), clientOf("c1", "flip", "undecided")],
      [
        clientOf("c0", "flip", "undecided"),
        clientOf("c1", "flip", "benign"),
        clientOf("c2", null, "undecided"),
        clientOf("c3", null, "undecided"),
      ],
    );
    assert.equal(measures.get("undecidedContaminated"), 1);
    assert.equal(measures.get("undecidedBenign"), 2);
  });

  it("leave out the last verdicts if every round judges the same clients", () => {
    const round = [clientOf("c0", "flip", "benign"), clientOf("c1", null, "benign")];
    assert.equal(measuresOf(round, round).has("recallOfClients"), false);
  });
});
