import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { eachRound, computeScalars } from "../results/rounds.js";

/**
 * Writes one line for each round of each arm: `{"step": 1, "arm": "clair", "evaluation/accuracy":
 * 0.85, …}`.
 * @param runs each with the fields that its lines begin with
 * @param file is overwritten
 */
export async function writeJsonLines(
  runs: readonly { readonly folder: string; readonly fields: object }[],
  file: string,
): Promise<void> {
  await pipeline(Readable.from(generateLines(runs)), createWriteStream(file));
}

async function* generateLines(
  runs: readonly { readonly folder: string; readonly fields: object }[],
): AsyncGenerator<string> {
  for (const { folder, fields } of runs) {
    for await (const round of eachRound(folder)) {
      const { round: step, arm } = round.record;
      const scalars = Object.fromEntries(computeScalars(round));
      yield JSON.stringify({ ...fields, step, arm, ...scalars }) + "\n";
    }
  }
}
