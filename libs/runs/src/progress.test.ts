import assert from "node:assert/strict";
import { mock } from "node:test";
import { toyTrial } from "@fedclair/core/testing";
import { Progress, formatRound } from "./progress.js";

describe("formatRound", () => {
  it("formats a round in one line", () => {
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
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    assert.equal(formatRound(arm, { ...record, clients: [] }), "clair round 2");
    assert.equal(
      formatRound(arm, record),
      "clair round 2: training loss 0.250 · flagged c00 c01 c02 c03 c04 c05 c06 c07 +2 · 1 failed",
    );
  });
});

describe("Progress", () => {
  it("reports what a trial waits for after a long wait", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const lines: string[] = [];
    const terminal = { isTTY: false, write: (line: string) => lines.push(line) };
    const progress = new Progress(toyTrial(), terminal as unknown as NodeJS.WriteStream);
    assert.match(lines.shift() ?? "", /^\d+ rounds in all\n$/);
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    const happens = (...events: object[]) => {
      for (const event of events) progress.event({ arm, event } as never);
      mock.timers.tick(30_000);
    };
    const answered = { kind: "answered" };
    happens();
    happens({ kind: "sampled", round: 3, cohort: ["c0", "c1"] }, answered);
    happens(answered);
    happens({ kind: "aggregated", round: 3 }, answered);
    progress.stop();
    mock.timers.reset();
    const what = ["training", "aggregating", "measuring"].map((step) => `clair round 3, ${step}`);
    assert.deepEqual(
      lines,
      ["clients and data", ...what].map((one) => `${one}: nothing for 30 s, still waiting\n`),
    );
  });
});
