import assert from "node:assert/strict";
import { admitUpdate } from "../tensors/admission.js";
import { failure } from "../words/errors.js";
import { roundRecord, summarizeAnswers, type ClientRecord, type RoundRecord } from "./record.js";
import type { Verdict } from "../contracts/aggregator.js";
import { jsonBytes } from "../words/text.js";
import type { Metrics, Update } from "../tensors/update.js";

const createAnswer = (metrics: Metrics): Update => ({
  clientId: "c999999",
  numExamples: Number.MAX_SAFE_INTEGER,
  delta: new Map(),
  metrics,
});

/** Creates the record of one client from its answers: updates, or messages of failures. */
function createRecord(
  trained: Update | string,
  evaluated: Update | string,
): ClientRecord | undefined {
  return createRoundRecord(trained, evaluated).clients[0];
}

function createRoundRecord(trained: Update | string, evaluated: Update | string): RoundRecord {
  const collected = (answer: Update | string) =>
    typeof answer === "string"
      ? { updates: [], failures: new Map([["c999999", failure("BACKEND_MISMATCH", answer)]]) }
      : { updates: [answer], failures: new Map() };
  const number = -2.2250738585072014e-308; // the longest as JSON
  const verdict: Verdict = {
    clientId: "c999999",
    status: "contaminated",
    pooled: false,
    score: number,
    threshold: number,
    reason: "r".repeat(200),
  };
  return roundRecord({
    round: 1,
    phase: "train",
    gathered: { cohort: ["c999999"], down: 0 },
    plan: { contamination: new Map(), unknown: new Set(["c999999"]) },
    before: {},
    trained: summarizeAnswers(collected(trained)),
    stepped: {
      aggregation: { change: [], verdicts: [verdict], cleared: ["noise"] },
      step: {},
      metrics: {},
      modMetrics: new Map(),
    },
    chosen: {
      personal: undefined,
      kinds: new Map([["c999999", "shrunk-quarter"]]),
      failures: new Map([["c999999", failure("BACKEND_MISMATCH", "f".repeat(1000))]]),
      down: 0,
    },
    evaluated: collected(evaluated),
  });
}

const createMetrics = (count: number, nameLength: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `${i}`.padEnd(nameLength, "東"),
      -2.2250738585072014e-308,
    ]),
  );

describe("roundRecord", () => {
  it("keeps the metrics of clients", () => {
    const record = createRecord(createAnswer({ loss: 0.5 }), createAnswer({ accuracy: 0.25 }));
    assert.deepEqual(record?.train, { loss: 0.5 });
    assert.deepEqual(record.evaluation, { accuracy: 0.25 });
    assert.ok(!("trainLeftOut" in record || "evaluationLeftOut" in record));
  });

  it("keeps the kinds that benign clients are cleared of", () => {
    const { cleared } = createRoundRecord(createAnswer({}), createAnswer({}));
    assert.deepEqual(cleared, ["noise"]);
  });

  it("records the size of metrics that it leaves out", () => {
    const measured = createMetrics(256, 128);
    const record = createRecord(createAnswer(measured), createAnswer({ accuracy: 0.25 }));
    assert.equal(record?.train, undefined);
    assert.equal(record?.trainLeftOut, jsonBytes(measured));
    assert.deepEqual(record.evaluation, { accuracy: 0.25 });
    assert.equal(
      createRecord("gone", createAnswer(measured))?.evaluationLeftOut,
      jsonBytes(measured),
    );
  });

  it("has at most 6 KB per client for any answer", () => {
    const answers = [
      ...[1, 16, 40, 45, 57, 60, 256].map((count) => createAnswer(createMetrics(count, 4))),
      ...[1, 3, 4, 5, 256].map((count) => createAnswer(createMetrics(count, 128))),
      ...["\n", "東", '"', "\ud800", "x"].map((unit) => unit.repeat(1e6)),
    ];
    for (const trained of answers) {
      assert.ok(typeof trained === "string" || admitUpdate(trained, new Map()) === undefined);
      for (const evaluated of answers) {
        const bytes = jsonBytes(createRecord(trained, evaluated));
        assert.ok(bytes <= 6144, `${bytes} bytes`);
      }
    }
  });
});
