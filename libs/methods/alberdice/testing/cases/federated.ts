import { item } from "@fedclair/linalg";
import { asList, type Fields, type Report } from "@fedclair/core/cases";
import { directionScores, poolAnswers, weightLogits, type AgentAnswer } from "../../src/answers.js";
import { toLogits } from "../../src/logits.js";
import { compareResults, toNestedArrays, readRows, toTable } from "./entry.js";

/** The clip of the reference. */
const clip = 10;

/** Checks section `federated`: pooled and scored answers of clients, and policies as logits. */
export function runFederated(entry: Fields, report: Report): void {
  const visits = readRows(entry.d, "d");
  const answers = asList(entry.Z, "Z").map((table, k): AgentAnswer => ({
    logits: readRows(table, `Z[${k}]`).flat(),
    visits: visits[k] ?? [],
  }));
  const old = readRows(entry.old, "old");
  const columns = old[0]?.length ?? 0;
  const scores = directionScores(answers.map(weightLogits));
  const logits = readRows(entry.logits_in, "logits_in").map((row) => Float64Array.from(row));
  const near = (got: unknown) => ({ got, tolerance: 1e-8 });
  compareResults(
    entry,
    ["old", "Z", "d", "logits_in"],
    {
      mean: near(toTable(poolAnswers(answers, old.flat(), "mean"), columns)),
      median: near(toTable(poolAnswers(answers, old.flat(), "median"), columns)),
      scores: near(scores),
      flagged: near([...scores.keys()].filter((k) => item(scores, k) <= 0)),
      logits_out: near(toNestedArrays(logits.map((row) => toLogits(row, clip)))),
    },
    report,
  );
}
