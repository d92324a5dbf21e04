import assert from "node:assert/strict";
import type { ClientRecord, VerdictStatus } from "@fedclair/core";
import { toyTrial } from "@fedclair/core/testing";
import type { ArmRecord } from "./run-folder.js";
import { detectionOf, summarise } from "./summary.js";

function client(
  clientId: string,
  attack: string | null,
  verdict?: VerdictStatus,
  accuracy?: number,
): ClientRecord {
  return {
    ...{ clientId, attack, failure: null },
    ...(verdict && { verdict, score: 1, threshold: 2 }),
    ...(accuracy !== undefined && { evaluation: { accuracy } }),
  };
}

function record(arm: string, round: number, clients: ClientRecord[]): ArmRecord {
  return { arm, round, phase: "train", clients, metrics: {}, bytes: { down: 10, up: 4 } };
}

describe("summarise", () => {
  const trial = toyTrial({ baselines: [{ label: "local", aggregator: { name: "toy-mean" } }] });
  const records = [
    record("toy-mean", 1, [
      client("c00", null, "benign", 0.5),
      client("c01", null, "contaminated", 0.5),
      client("c02", "flip", "contaminated"),
      client("c03", "noise", "benign"),
    ]),
    record("toy-mean", 2, [
      client("c00", null, "benign", 0.8),
      client("c01", null, "benign", 0.6),
      client("c02", "flip", "contaminated"),
      client("c03", "noise", "invalid"),
    ]),
    record("local", 2, [client("c00", null, undefined, 0.4), client("c01", null, undefined, 0.2)]),
  ];
  const { measures } = summarise(trial, records);

  it("counts verdicts against the truth", () => {
    assert.equal(measures["detection.exactRounds"], 1);
    assert.equal(measures["detection.recall"], 1);
    assert.equal(measures["detection.precision"], 1);
    assert.equal(measures["detection.falseAlarmsMean"], 0.5);
    assert.equal(measures["detection.recallMean"], 0.75);
    // Three of four flags were right: one of two in round 1, two of two in round 2.
    assert.equal(measures["detection.precisionMean"], 0.75);
    assert.equal(measures["detection.f1"], 0.75);
    assert.equal(measures["detection.recall.flip"], 1);
    assert.equal(measures["detection.recall.noise"], 0.5);
  });

  it("compares what the coordinator measured, apart from what clients did", () => {
    const measured = [
      { ...record("toy-mean", 1, []), metrics: { loss: 3, rank: 1 } },
      { ...record("local", 1, []), metrics: { loss: 2 } },
    ];
    const { measures: global } = summarise(trial, measured);
    assert.equal(global["global.loss.toy-mean"], 3);
    assert.equal(global["global.rank.toy-mean"], 1);
    assert.equal(global["global.loss.gainOver.local"], 1);
    assert.equal(global["global.loss.ratioTo.local"], 1.5);
    assert.equal(global["global.rank.gainOver.local"], undefined);
  });

  it("leaves out what outgrew all numbers", () => {
    const grown = [
      { ...record("toy-mean", 1, []), metrics: { loss: NaN, gap: Infinity, rank: 1 } },
    ];
    const { measures: found } = summarise(trial, grown);
    assert.deepEqual(Object.keys(found), ["global.rank.toy-mean", "bytes.up", "bytes.down"]);
  });

  it("averages what benign clients measured in the last round, and compares methods", () => {
    assert.ok(Math.abs((measures["accuracy.toy-mean"] ?? NaN) - 0.7) < 1e-12);
    assert.ok(Math.abs((measures["accuracy.gainOver.local"] ?? NaN) - 0.4) < 1e-12);
    assert.ok(Math.abs((measures["accuracy.ratioTo.local"] ?? NaN) - 0.7 / 0.3) < 1e-12);
    assert.equal(measures["bytes.up"], 8);
    assert.equal(measures["bytes.down"], 20);
  });

  it("leaves out the recall of an attack whose clients were never judged", () => {
    const refused = record("toy-mean", 1, [client("c00", null, "benign"), client("c01", "broken")]);
    const found = summarise(toyTrial(), [refused]).measures;
    assert.ok(Object.values(found).every(Number.isFinite));
    assert.equal("detection.recall.broken" in found, false);
    assert.equal("detection.recall" in found, false);
    assert.equal(found["detection.exactRounds"], 1);
  });

  it("compares methods over the clients that measured both, and not with one that stopped", () => {
    const some = [
      record("toy-mean", 1, [
        client("c00", null, "benign", 0.5),
        client("c01", null, "benign", 0.9),
      ]),
      record("local", 1, [client("c00", null, undefined, 0.4), client("c01", null)]),
    ];
    const found = summarise(trial, some).measures;
    assert.ok(Math.abs((found["accuracy.gainOver.local"] ?? NaN) - 0.1) < 1e-12);
    const alone = summarise(trial, some, { local: "it broke" });
    assert.deepEqual(alone.arms, ["toy-mean"]);
    assert.equal("accuracy.local" in alone.measures, false);
  });

  it("leaves out what cannot be had", () => {
    const bare = summarise(toyTrial(), [record("toy-mean", 1, [client("c00", null)])]);
    assert.deepEqual(Object.keys(bare.measures), ["bytes.up", "bytes.down"]);
  });
});

describe("detectionOf", () => {
  it("does not count clients that never reached the aggregator", () => {
    const found = detectionOf([client("c00", null, "benign"), client("c01", "flip")]);
    assert.deepEqual(found, {
      ...{ contaminated: 0, flagged: 0, caught: 0, falseAlarms: 0, exact: true },
    });
    assert.equal(detectionOf([client("c01", "flip")]), undefined);
  });
});
