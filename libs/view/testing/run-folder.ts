import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientRecord, Trial } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { linkTimings, readRunInfo, type ArmRecord } from "@fedclair/runs";
import { stringify } from "yaml";

/** The trial of the runs that tests write: four clients, three rounds, one baseline. */
export const trial: Trial = {
  ...toyTrial({ clients: 4, rounds: 3 }),
  aggregator: { name: "clair" },
  baselines: [{ label: "local", aggregator: { name: "local" }, clients: "all" }],
};

/** Writes a run folder without rounds. */
export async function writeRun(folder: string, changes: Partial<Trial> = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  const info = { hash: "ab".repeat(32), version: "0", started: "2026-01-02T03:04:05.000Z" };
  await writeFile(join(folder, "trial.yaml"), stringify({ ...trial, ...changes }));
  await writeFile(join(folder, "run.json"), JSON.stringify({ ...info, backend: "wasm" }));
  await writeFile(join(folder, "records.jsonl"), "");
  await writeFile(join(folder, "timings.jsonl"), "");
}

/** Creates a judged client whose threshold is 2. */
export function judged(
  clientId: string,
  score: number,
  attack: string | null = null,
  accuracy = 0.5,
): ClientRecord {
  const verdict = score > 2 ? "contaminated" : "benign";
  const judgement = { verdict, score, threshold: 2 } as const;
  return { clientId, attack, failure: null, ...judgement, evaluation: { accuracy } };
}

/** Creates a record in which c01 is contaminated and flagged. */
export function record(round: number, arm = "clair"): ArmRecord {
  const clients = [judged("c00", 1), judged("c01", 6, "sign-flip"), judged("c02", 0.5)];
  return { arm, round, phase: "train", clients, metrics: {}, bytes: { down: 10, up: 4 } };
}

/** Appends records and a timing of two seconds for each. */
export async function appendRounds(folder: string, ...records: ArmRecord[]): Promise<void> {
  const file = join(folder, "records.jsonl");
  const before = (await readFile(file, "utf8")).split(/(?<=\n)/).filter((line) => line !== "");
  const lines = [...before, ...records.map((one) => `${JSON.stringify(one)}\n`)];
  const timed = lines.map((line) => {
    const { arm, round } = JSON.parse(line) as ArmRecord;
    const aggregate = arm === "clair" ? 0.5 : 0;
    const seconds = { sample: 0, train: 1, aggregate, evaluate: 0.5 };
    return { arm, round, seconds, writeSeconds: 0, coordinatorRss: 1000 };
  });
  const { timings } = await linkTimings(readRunInfo(folder)?.hash ?? "", lines, timed);
  for (const [i, timing] of timings.slice(before.length).entries()) {
    await appendFile(join(folder, "timings.jsonl"), `${JSON.stringify(timing)}\n`);
    await appendFile(file, lines[before.length + i] ?? "");
  }
}

/**
 * Writes the summary of a finished run.
 * @param metrics what the clients of the main arm measured
 */
export async function finish(
  folder: string,
  metrics: Readonly<Record<string, number>> = {},
): Promise<void> {
  const details = Object.entries(metrics).map(([metric, value]) => {
    return { name: `${metric}.clair`, scope: "clients", metric, arm: "clair", value };
  });
  const measures = Object.fromEntries(details.map(({ name, value }) => [name, value]));
  const summary = { name: trial.name, seed: 1, arms: ["clair"], stopped: {}, measures, details };
  await writeFile(join(folder, "summary.json"), JSON.stringify(summary));
}
