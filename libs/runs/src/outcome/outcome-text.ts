import { stripVTControlCharacters } from "node:util";
import type { Trial } from "@fedclair/core";
import pc from "picocolors";
import { armsOf } from "../arms.js";
import { readLines, type ArmRecord } from "../run-folder.js";
import { evaluationMeans, type Summary } from "../summary.js";
import { clientRows, type ClientLabel, type ClientRow } from "./client-rows.js";
import { verdictSentence } from "./verdict.js";

/** Clients of a big cohort would fill screens: contaminated and mistaken ones come first, the rest is in the report. */
const mostRows = 64;

/** What a run showed, for the terminal: a row a client, a row a method, and the finding in a sentence. */
export async function outcomeText(
  out: string,
  trial: Trial,
  { backend, stopped }: Summary,
  label?: ClientLabel,
): Promise<string> {
  const records = await readLines<ArmRecord>(out, "records.jsonl");
  const [main] = armsOf(trial);
  const rows = clientRows(
    records.filter(({ arm }) => arm === main.label),
    label,
  );
  const hidden = rows.length - mostRows;
  return [
    columns(
      [
        ["client", "true state", "verdict", "score", "threshold", "flagged", ""],
        ...rows.slice(0, mostRows).map(clientCells),
      ],
      ["left", "left", "left", "right", "right", "right", "left"],
    ),
    ...(hidden > 0 ? [pc.dim(`… ${hidden} more in the report`)] : []),
    "",
    methodTable(trial, records),
    "",
    verdictSentence(trial, records),
    ...Object.entries(stopped).map(([arm, why]) => pc.red(`${arm} could not go on: ${why}`)),
    `TensorFlow.js backend of the clients: ${backend ?? "unknown"}`,
    "",
  ].join("\n");
}

function clientCells(row: ClientRow): string[] {
  const { display, attack, verdict, score, threshold, reason, mistake, failure } = row;
  return [
    display,
    attack === null ? "benign" : pc.yellow(attack),
    failure ? pc.red(failure.code) : (verdict ?? "—"),
    short(score),
    threshold === null ? "none" : short(threshold),
    `${row.roundsFlagged}/${row.roundsJudged}`,
    [mistake && pc.red(mistake), reason].filter(Boolean).join(", "),
  ];
}

/** The benign clients' means of the last round, a row a method. */
function methodTable(trial: Trial, records: readonly ArmRecord[]): string {
  const methods = armsOf(trial).map(({ label }) => ({
    label,
    means: evaluationMeans(records.filter(({ arm }) => arm === label).at(-1)?.clients ?? []),
  }));
  const metrics = [...new Set(methods.flatMap(({ means }) => Object.keys(means)))];
  if (metrics.length === 0) return pc.dim("no client measured its params");
  return columns(
    [
      ["benign clients, last round", ...metrics],
      ...methods.map(({ label, means }) => [label, ...metrics.map((m) => short(means[m] ?? null))]),
    ],
    ["left", ...metrics.map(() => "right" as const)],
  );
}

function short(value: number | null): string {
  return value === null ? "—" : String(Number(value.toPrecision(3)));
}

/** Columns of text, padded; the first row is the head. Cells may carry terminal colours. */
export function columns(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
): string {
  const plain = (cell: string) => stripVTControlCharacters(cell);
  const widths = align.map((_, i) => Math.max(...rows.map((row) => plain(row[i] ?? "").length)));
  return rows
    .map((row, r) => {
      const cells = align.map((side, i) => {
        const cell = row[i] ?? "";
        const padding = " ".repeat((widths[i] ?? 0) - plain(cell).length);
        return side === "left" ? cell + padding : padding + cell;
      });
      const line = cells.join("  ").trimEnd();
      return r === 0 ? pc.dim(line) : line;
    })
    .join("\n");
}
