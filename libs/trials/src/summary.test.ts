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
    assert.equal(measures["detection.precisionMean"], 0.75);
    assert.equal(measures["detection.recall.flip"], 1);
    assert.equal(measures["detection.recall.noise"], 0.5);
  });

  it("averages what benign clients measured in the last round, and compares methods", () => {
    assert.ok(Math.abs((measures["accuracy.toy-mean"] ?? NaN) - 0.7) < 1e-12);
    assert.ok(Math.abs((measures["accuracy.gainOver.local"] ?? NaN) - 0.4) < 1e-12);
    assert.ok(Math.abs((measures["accuracy.ratioTo.local"] ?? NaN) - 0.7 / 0.3) < 1e-12);
    assert.equal(measures["bytes.up"], 8);
    assert.equal(measures["bytes.down"], 20);
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
      ...{ contaminated: 0, caught: 0, falseAlarms: 0 },
      ...{ recall: 1, precision: 1, exact: true },
    });
    assert.equal(detectionOf([client("c01", "flip")]), undefined);
  });
});
