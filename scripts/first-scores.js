// node scripts/first-scores.js RUN: compares the scores of a run's first round with those that the
// picture of its trial in the gallery shows. The gate does so for README's picture.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Scores and thresholds of the main arm's first round, with four digits. */
export async function readFirstScores(run) {
  const [line = ""] = (await readFile(join(run, "records.jsonl"), "utf8")).split("\n", 1);
  const round = (value) => (value == null ? null : Number(value.toPrecision(4)));
  return JSON.parse(line).clients.map(({ score, threshold }) => [round(score), round(threshold)]);
}

if (process.argv[1] === import.meta.filename) {
  const [, , run = "", trial = "trials/text-copy/sotu.yaml"] = process.argv;
  const gallery = JSON.parse(await readFile(join(import.meta.dirname, "../docs/gallery.json")));
  const [shown, found] = [gallery[trial].first, JSON.stringify(await readFirstScores(run))];
  if (shown !== found) {
    console.error(
      `error: the picture of ${trial} shows other scores than its run: npm run lab -- gallery --only ${trial}\nshown ${shown}\nfound ${found}`,
    );
    process.exitCode = 1;
  }
}
