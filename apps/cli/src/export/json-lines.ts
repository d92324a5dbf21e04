import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { eachRound, computeScalars } from "./rounds.js";

/**
 * Writes one line for each round of each arm: `{"step": 1, "arm": "clair", "evaluation/accuracy":
 * 0.85, …}`.
 * @param file is overwritten
 */
export async function writeJsonLines(folder: string, file: string): Promise<void> {
  await pipeline(Readable.from(generateLines(folder)), createWriteStream(file));
}

async function* generateLines(folder: string): AsyncGenerator<string> {
  for await (const round of eachRound(folder)) {
    const { round: step, arm } = round.record;
    yield JSON.stringify({ step, arm, ...Object.fromEntries(computeScalars(round)) }) + "\n";
  }
}
