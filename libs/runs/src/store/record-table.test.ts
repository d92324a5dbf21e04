import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import type { ArmRecord } from "../arm-record.js";
import { decodeHead, decodeRecord, encodeRecord } from "./record-table.js";

/** A record in which every field occurs, and in which clients differ. */
const record: ArmRecord = {
  arm: 'a "label"',
  round: 7,
  phase: "train",
  clients: [
    {
      clientId: "c00",
      attack: null,
      failure: null,
      seconds: 1.5,
      staleness: 2,
      numExamples: 3,
      train: { loss: 0.1 + 0.2, "odd name.é": -1e-300 },
      verdict: "benign",
      pooled: true,
      score: 0.1,
      threshold: 2.5,
      refinement: "own",
      mods: { clip: { share: 0.5 } },
      evaluation: { accuracy: 1 },
    },
    {
      clientId: "c01",
      attack: "sign-flip",
      failure: null,
      numExamples: 1,
      train: { anything: 1 },
      verdict: "contaminated",
      pooled: false,
      score: 1e308,
      threshold: 2.5,
      reason: 'because of "é"',
      evidence: [{ kind: "size", statistic: 3, deviations: 4, rounds: 2 }],
      modules: [{ module: "a/b", ratio: 2.5 }],
      refinementFailure: { code: "LATE", message: "late" },
      evaluationLeftOut: 9000,
      evaluationFailure: { code: "CLIENT_ERROR", message: "no data" },
    },
    { clientId: "c02", attack: null, truth: "unknown", failure: { code: "LATE", message: "" } },
    {
      clientId: "c03",
      attack: null,
      failure: null,
      numExamples: 2,
      train: {},
      trainLeftOut: 12_000,
      verdict: "inactive",
      pooled: false,
      score: null,
      threshold: null,
    },
  ] as ClientRecord[],
  metrics: { loss: 1 / 3 },
  clock: 12,
  bytes: { down: 1, up: 2 },
};

describe("the record of a round in Parquet", () => {
  it("holds the same text as a line of records.jsonl, byte by byte", async () => {
    const decoded = await decodeRecord(encodeRecord(record), "a file");
    assert.equal(JSON.stringify(decoded), JSON.stringify(record));
  });

  it("holds metrics of any name", async () => {
    const text = '{"loss":1,"__proto__":2}';
    const [first] = record.clients;
    assert.ok(first);
    const odd = { ...first, evaluation: JSON.parse(text) as Record<string, number> };
    const bytes = encodeRecord({ ...record, clients: [odd] });
    const [read] = (await decodeRecord(bytes, "a file")).clients;
    assert.equal(JSON.stringify(read?.evaluation), text);
  });

  it("is read without what explains verdicts, for some clients or for all", async () => {
    const bytes = encodeRecord(record);
    const some = await decodeRecord(bytes, "a file", { evidence: (id) => id === "c01" });
    assert.deepEqual(some, record);
    const none = await decodeRecord(bytes, "a file", { evidence: (id) => id === "c00" });
    const brief = await decodeRecord(bytes, "a file", { evidence: false });
    const { evidence, modules, ...rest } = record.clients[1] ?? {};
    assert.ok(evidence && modules);
    assert.deepEqual(brief.clients[1], rest);
    assert.deepEqual(none, brief);
    assert.deepEqual(brief.clients[0], record.clients[0]);
  });

  it("holds a round without a client, and one that ended its arm", async () => {
    const empty: ArmRecord = { ...record, clients: [], stopped: "no fit" };
    assert.deepEqual(await decodeRecord(encodeRecord(empty), "a file"), empty);
  });

  it("has the same bytes each time, and its head is read alone", () => {
    const bytes = encodeRecord(record);
    assert.deepEqual(encodeRecord(record), bytes);
    assert.deepEqual({ ...decodeHead(bytes, "a file"), clients: record.clients }, record);
  });

  it("takes few bytes for many clients", () => {
    const clients = Array.from({ length: 20_000 }, (_, k): ClientRecord => ({
      clientId: `c${String(k).padStart(7, "0")}`,
      attack: k % 10 === 0 ? "sign-flip" : null,
      failure: null,
      numExamples: 67,
      train: { loss: Math.sin(k) },
      verdict: "benign",
      pooled: true,
      score: Math.abs(Math.cos(k)),
      threshold: 3,
    }));
    const bytes = encodeRecord({ ...record, clients }).length / clients.length;
    assert.ok(bytes < 20, `${bytes} bytes per client, and two numbers of 8 bytes in it`);
  });

  it("names a file that is no record", async () => {
    const junk = new TextEncoder().encode("PAR1 and no more");
    await assert.rejects(decodeRecord(junk, "runs/a/records/000001.parquet"), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^'runs\/a\/records\/000001\.parquet': expected the record of /);
      return true;
    });
  });
});
