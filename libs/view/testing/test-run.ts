import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact } from "@fedclair/core";
import { clientIds, type ClientRecord, type Trial } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { stream, type Stream } from "@fedclair/linalg";
import { listArms } from "@fedclair/core/internal";
import {
  linkTimings,
  readRunInfo,
  summarise,
  type ArmRecord,
  type ArmTiming,
} from "@fedclair/runs";
import { stringify } from "yaml";

/** A synthetic run for tests: a trial, and records that look like those of real runs. */
export interface TestRun {
  readonly trial: Trial;
  readonly records: readonly ArmRecord[];
  readonly timings: readonly Omit<ArmTiming, "chain">[];
  readonly artifacts?: readonly Artifact[];
}

const final: Readonly<Record<string, number>> = {
  clair: 0.91,
  local: 0.85,
  fedavg: 0.62,
  oracle: 0.93,
};

/**
 * Runs CLAIR and three baselines on contaminated clients: `attacks` by client id, the others
 * benign. Benign scores lie near 1, contaminated ones near 2.5; the threshold is 1.6.
 */
export function createTestRun(
  changes: Partial<Trial>,
  attacks: Readonly<Record<string, string>>,
): TestRun {
  const baselines = ["local", "fedavg", "oracle"].map((label) => {
    return { label, aggregator: { name: label }, clients: label === "oracle" ? "benign" : "all" };
  });
  const trial: Trial = {
    ...toyTrial(),
    name: "text-copy-clair",
    claim:
      "CLAIR finds the contaminated clients and leaves the benign ones better off than local training.",
    task: { name: "text-copy", layers: 2, localSteps: 40 },
    aggregator: { name: "clair", rank: 4, side: "left" },
    baselines: baselines as Trial["baselines"],
    clients: 10,
    rounds: 4,
    attacks: [...new Set(Object.values(attacks))].map((name) => ({
      attack: { name },
      clients: Object.keys(attacks).filter((id) => attacks[id] === name),
    })),
    ...changes,
  };
  const ids = clientIds(trial.clients);
  const cohortOf = (round: number, rng: Stream) =>
    typeof trial.cohort === "object" && "count" in trial.cohort
      ? rng.at("cohort", String(round)).sample(ids, trial.cohort.count).sort()
      : ids;
  const records: ArmRecord[] = [];
  const timings: Omit<ArmTiming, "chain">[] = [];
  for (const { label, benignOnly } of listArms(trial)) {
    for (let round = 1; round <= trial.rounds; round++) {
      const rng = stream(trial.seed).at("made", label, String(round));
      const cohort = cohortOf(round, stream(trial.seed)).filter(
        (id) => !benignOnly || !attacks[id],
      );
      const progress = 1 - Math.exp(-round / (trial.rounds / 3));
      const clients = cohort.map((clientId): ClientRecord => {
        const attack = attacks[clientId] ?? null;
        const accuracy = Math.min(1, (final[label] ?? 0.5) * progress + 0.05 * rng.normal());
        const score = Math.exp(0.12 * rng.normal()) * (attack === null ? 1 : 2.5);
        return {
          clientId,
          attack,
          failure: null,
          numExamples: 512,
          train: { loss: 2 - progress },
          ...(label === "clair" && {
            verdict: score > 1.6 ? "contaminated" : "benign",
            score,
            threshold: 1.6,
          }),
          ...(attack === null && {
            evaluation: { accuracy, uniformAccuracy: 0.8 * accuracy, loss: 3 - 2.5 * accuracy },
          }),
        };
      });
      const bytes = { down: 40_000 * cohort.length, up: 16_384 * cohort.length };
      records.push({ arm: label, round, phase: "train", clients, metrics: {}, bytes });
      const train = round === 1 && label !== "clair" ? 0.01 : 6 + rng.uniform();
      timings.push({
        arm: label,
        round,
        seconds: { sample: 0, train, aggregate: label === "clair" ? 0.8 : 0.05, evaluate: 0.9 },
        writeSeconds: 0,
        coordinatorRss: 3e8,
      });
    }
  }
  return { trial, records, timings };
}

/** Writes a synthetic run as a run folder. @param stopped leave the summary out */
export async function writeTestRun(folder: string, run: TestRun, stopped = false): Promise<void> {
  const { trial, records, timings, artifacts = [] } = run;
  const lines = (values: readonly object[]) => values.map((value) => JSON.stringify(value) + "\n");
  const recordLines = lines(records);
  const artifactsOf = ({ arm, round }: ArmRecord) =>
    lines(artifacts.filter((artifact) => artifact.arm === arm && artifact.round === round)).join(
      "",
    );
  const linked = await linkTimings(
    readRunInfo(folder)?.hash ?? "",
    records.map((record, i) => `${recordLines[i] ?? ""}${artifactsOf(record)}`),
    timings,
  );
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "trial.yaml"), stringify(trial));
  await writeFile(join(folder, "records.jsonl"), recordLines.join(""));
  await writeFile(join(folder, "timings.jsonl"), lines(linked.timings).join(""));
  await writeFile(join(folder, "artifacts.jsonl"), lines(artifacts).join(""));
  if (!stopped) {
    await writeFile(join(folder, "summary.json"), JSON.stringify(summarise(trial, {}, records)));
  }
}
