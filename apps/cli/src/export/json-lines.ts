import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { eachRound, scalarsOf } from "./rounds.js";

/** Writes a line a round and arm: `{"step": 1, "arm": "clair", "evaluation/accuracy": 0.85, …}`. @param file is written over */
export async function writeJsonLines(folder: string, file: string): Promise<void> {
  await pipeline(Readable.from(linesOf(folder)), createWriteStream(file));
}

async function* linesOf(folder: string): AsyncGenerator<string> {
  for await (const round of eachRound(folder)) {
    const { round: step, arm } = round.record;
    yield JSON.stringify({ step, arm, ...Object.fromEntries(scalarsOf(round)) }) + "\n";
  }
}
