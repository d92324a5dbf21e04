import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import type { ClientRecord, Trial } from "@fedclair/core";
import { toyTrial } from "@fedclair/core/testing";
import type { ArmRecord } from "../run-folder.js";
import { clientRows } from "./client-rows.js";
import { columns } from "./outcome-text.js";
import { verdictSentence } from "./verdict.js";

const judged = (
  clientId: string,
  attack: string | null,
  verdict: ClientRecord["verdict"],
  accuracy?: number,
): ClientRecord => ({
  clientId,
  attack,
  failure: null,
  ...(verdict && { verdict, score: 2, threshold: 3 }),
  ...(accuracy !== undefined && { evaluation: { loss: 1, accuracy } }),
});

const record = (arm: string, round: number, ...clients: ClientRecord[]): ArmRecord => ({
  arm,
  round,
  phase: "train",
  clients,
  metrics: {},
  bytes: { down: 0, up: 0 },
});

const trial: Trial = {
  ...toyTrial(),
  aggregator: { name: "clair" },
  baselines: [{ label: "mean", aggregator: { name: "fedavg" }, clients: "all" }],
};

const two = [
  record("clair", 1, judged("c0", null, "benign"), judged("c1", "flip", "benign")),
  record(
    "clair",
    2,
    judged("c0", null, "contaminated", 0.5),
    judged("c1", "flip", "contaminated"),
    judged("c2", null, "benign", 0.7),
  ),
];

describe("clientRows", () => {
  it("puts the contaminated first and counts the rounds of each", () => {
    const rows = clientRows(two, (id) => (id === "c1" ? "Lincoln" : ""));
    assert.deepEqual(
      rows.map((row) => [row.display, row.mistake, row.roundsFlagged, row.roundsJudged]),
      [
        ["c1 Lincoln", undefined, 1, 2],
        ["c0", "false alarm", 1, 2],
        ["c2", undefined, 0, 1],
      ],
    );
    assert.deepEqual(rows[2]?.evaluation, { loss: 1, accuracy: 0.7 });
  });

  it("keeps whom an earlier cohort judged, and a verdict that a later phase does not give", () => {
    const rows = clientRows([
      record("clair", 1, judged("c0", "flip", "contaminated"), judged("c1", null, "benign")),
      record("clair", 2, judged("c1", null, undefined, 0.5), judged("c2", null, undefined)),
    ]);
    assert.deepEqual(
      rows.map(({ clientId, round, verdict, evaluation }) => [
        ...[clientId, round, verdict, evaluation["accuracy"]],
      ]),
      [
        ["c0", 1, "contaminated", undefined],
        ["c1", 1, "benign", 0.5],
        ["c2", 2, undefined, undefined],
      ],
    );
  });

  it("shows a failure after a verdict", () => {
    const failure = { code: "LATE" as const, message: "late" };
    const rows = clientRows([
      record("clair", 1, judged("c0", null, "benign")),
      record("clair", 2, { clientId: "c0", attack: null, failure }),
    ]);
    assert.deepEqual(
      rows.map((row) => [row.round, row.failure, row.verdict, row.roundsJudged]),
      [[2, failure, undefined, 1]],
    );
  });

  it("is empty without a round", () => {
    assert.deepEqual(clientRows([]), []);
  });
});

describe("verdictSentence", () => {
  it("tells the last round, all rounds, and the baselines that came as far", () => {
    const baseline = record("mean", 2, judged("c0", null, undefined, 0.25));
    assert.equal(
      verdictSentence(trial, [...two, baseline]),
      "clair flagged 1 of 1 contaminated clients in the last round, 1 of 2 over 2 rounds, with 1 false alarm; " +
        "benign accuracy 0.600 against 0.250 (mean).",
    );
    const behind = { ...baseline, round: 1 };
    assert.match(verdictSentence(trial, [...two, behind]), /benign accuracy 0\.600\.$/);
  });

  it("does not count contaminated clients that were never judged as caught", () => {
    const failed: ClientRecord = {
      clientId: "c1",
      attack: "flip",
      failure: { code: "LATE", message: "late" },
    };
    const rounds = [record("clair", 1, failed, judged("c2", "flip", "contaminated"))];
    assert.equal(
      verdictSentence({ ...trial, rounds: 1 }, rounds),
      "clair flagged 1 of 1 judged contaminated clients in the only round, with no false alarm; " +
        "1 answer of its clients failed.",
    );
  });

  it("tells clean data from caught contamination", () => {
    const calm = [record("clair", 1, judged("c0", null, "benign"))];
    assert.match(verdictSentence({ ...trial, rounds: 1 }, calm), /flagged nobody, and none/);
    const alarmed = [record("clair", 1, judged("c0", null, "contaminated"))];
    assert.match(verdictSentence({ ...trial, rounds: 1 }, alarmed), /raised 1 false alarm in the/);
  });
});

describe("columns", () => {
  it("pads by what is seen, not by the codes of colours", () => {
    const text = columns(
      [
        ["name", "n"],
        ["\u001b[31mlong one\u001b[39m", "10"],
        ["b", "7"],
      ],
      ["left", "right"],
    );
    assert.deepEqual(stripVTControlCharacters(text).split("\n"), [
      "name       n",
      "long one  10",
      "b          7",
    ]);
  });
});
