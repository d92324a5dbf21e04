import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientRecord } from "@fedclair/core/internal";
import { noDescription, readRun, type TrialDescription } from "@fedclair/runs";
import { createTestRun, writeTestRun, type TestRun } from "../../testing/test-run.js";
import { answerList } from "./answer.js";

const attacks = { c01: "sign-flip", c04: "label-permute" };

/** Two rounds of CLAIR and local training with ten clients, the clients of CLAIR changed. */
function createRun(change: (client: ClientRecord, round: number) => ClientRecord): TestRun {
  const baselines = createTestRun({}, {}).trial.baselines.slice(0, 1);
  const run = createTestRun({ rounds: 2, baselines }, attacks);
  const records = run.records.map((record) =>
    record.arm === "clair"
      ? { ...record, clients: record.clients.map((one) => change(one, record.round)) }
      : record,
  );
  return { ...run, records };
}

/** Scores 3.2 for contaminated clients and 0.8 for others; the threshold is 1.6. */
function judge(client: ClientRecord): ClientRecord {
  const isBad = client.attack !== null;
  const verdict = isBad ? "contaminated" : "benign";
  return { ...client, verdict, score: isBad ? 3.2 : 0.8, threshold: 1.6 };
}

describe("answerList", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "answer-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** The sentences of an answer, each after its name. */
  const answer = async (run: TestRun, description: Partial<TrialDescription> = {}) => {
    await writeTestRun(folder, run);
    const described = { ...noDescription, primary: "accuracy", ...description };
    const { text } = answerList(await readRun(folder, described));
    return text
      .replace(/<\/?d[lt][^>]*>/g, "\n")
      .replace(/<\/?a\b[^>]*>|<dd>/g, "")
      .replace(/<\/dd>/g, "\n")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  };

  it("says in which module a flagged client lies farthest outside, if the record has one", async () => {
    const module = `${"x".repeat(60)}.output`;
    const lines = await answer(
      createRun((client) => ({
        ...judge(client),
        ...(client.clientId === "c01" && { modules: [{ module, ratio: 2.33 }] }),
      })),
    );
    assert.match(
      lines[1] ?? "",
      /^c01 .* 2 × its threshold, farthest in …x{40}\.output \(2\.33 × the usual distance\)\.$/,
    );
  });

  it("says who was flagged, in how many rounds and by what margin, with its certainty", async () => {
    const lines = await answer(createRun(judge));
    assert.deepEqual(lines.slice(0, 6), [
      "Flagged",
      "c01 (sign-flip) in 2 of 2 rounds, 2 × its threshold.",
      "c04 (label-permute) in 2 of 2 rounds, 2 × its threshold.",
      "When last judged, 2 of 2 contaminated clients were flagged (95 % interval of the share: 34–100 %) and 0 of 8 benign clients were flagged by mistake (95 % interval of the share: 0–32 %).",
      "Missed",
      "Nobody.",
    ]);
  });

  it("says who was missed, whom it flagged by mistake, and who is undecided and why", async () => {
    const run = createRun((client, round) => {
      const judged = judge(client);
      switch (client.clientId) {
        case "c01":
          return { ...judged, verdict: round === 1 ? "contaminated" : "benign", score: 2 / round };
        case "c02":
          return { ...judged, verdict: "contaminated", score: 4 };
        case "c03":
          return { ...judged, verdict: "undecided", reason: "stands out in one round only" };
        default:
          return judged;
      }
    });
    const lines = await answer(run);
    assert.match(lines[1] ?? "", /^c02 \(benign, a false alarm\) in 2 of 2 rounds, 2\.5 × its/);
    assert.match(lines[3] ?? "", /^c01 \(sign-flip\) in 1 of 2 rounds, 1\.25 × its threshold\.$/);
    assert.equal(
      lines[lines.indexOf("Missed") + 1],
      "c01 (sign-flip), flagged in 1 of 2 rounds, at most 1.25 × its threshold.",
    );
    assert.equal(
      lines[lines.indexOf("Undecided") + 1],
      "c03 (benign; in 2 rounds): stands out in one round only.",
    );
  });

  it("says how many contaminated clients ended undecided if none was missed", async () => {
    const lines = await answer(
      createRun((client) => {
        const judged = judge(client);
        return client.clientId === "c04" ? { ...judged, verdict: "undecided" } : judged;
      }),
    );
    assert.equal(
      lines[lines.indexOf("Missed") + 1],
      "Nobody, but 1 contaminated client ended undecided.",
    );
  });

  it("compares the clients with each baseline, paired and with an interval", async () => {
    const run = createRun(judge);
    // Each client gains 0.1 or 0.3 over local training: 0.2 on average.
    const records = run.records.map((record) => ({
      ...record,
      clients: record.clients.map((client, i) =>
        client.attack === null
          ? {
              ...client,
              evaluation: { accuracy: record.arm === "clair" ? 0.6 + (i % 2) / 5 : 0.5 },
            }
          : client,
      ),
    }));
    const metrics = { accuracy: { better: "higher" as const, description: "share of hits" } };
    const lines = await answer({ ...run, records }, { metrics });
    const gain = lines.indexOf("Gained");
    // Four clients at odd places are benign in addition to four at even ones: mean 0.7.
    assert.equal(
      lines[gain + 1],
      "Mean accuracy of the benign clients (8): 0.700, higher is better.",
    );
    assert.equal(
      lines[gain + 2],
      "+0.200 [0.111, 0.289] against local. In brackets: 95 % interval over these clients. Another seed may differ more.",
    );
    const errors = { accuracy: { better: "lower" as const, description: "" } };
    const worse = await answer({ ...run, records }, { metrics: errors });
    assert.match(
      worse[gain + 2] ?? "",
      /^1\.4 times higher than local \(\+0\.200 \[0\.111, 0\.289\]\)\./,
    );
    assert.match(
      lines[lines.indexOf("Cost") + 1] ?? "",
      /^[\d.]+ s in the rounds of all 2 arms; 800 kB to the clients of clair and 328 kB back; 300 MB of memory at the coordinator\.$/,
    );
  });
});
