import { basename } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine, printable } from "@fedclair/core/internal";
import { writeComparison } from "@fedclair/report";
import {
  columns,
  compareRuns as createComparison,
  formatNumber,
  print,
  type RunComparison,
} from "@fedclair/runs";
import pc from "picocolors";
import { openRun } from "./open-run.js";
import { requireRun } from "./show.js";

export interface CompareOptions {
  readonly plugins: readonly string[];
  /** A new file for the page. */
  readonly html?: string;
  readonly json: boolean;
}

/** `fedclair compare`: compares runs side by side. */
export async function compareRuns(
  folders: readonly string[],
  { plugins, html, json }: CompareOptions,
): Promise<void> {
  if (folders.length < 2) throw new UserError("compare: expected two run folders or more, got one");
  const stored = await Promise.all(folders.map(requireRun));
  const runs = await Promise.all(folders.map((folder) => openRun(folder, plugins)));
  const isClear = new Set(folders.map((one) => basename(one))).size === folders.length;
  const names = isClear ? folders.map((one) => basename(one)) : folders;
  const comparison = createComparison(new Map(runs.map((run, i) => [names[i] ?? "", run])));
  for (const { folder, status } of stored) {
    if (status !== "done")
      process.stderr.write(`${folder}: ${status}; the comparison covers the rounds so far\n`);
  }
  const backends = new Set(stored.map(({ info }) => info.backend));
  if (backends.size > 1) {
    process.stderr.write(
      `the backends differ (${[...backends].join(", ")}), so the last digits may differ\n`,
    );
  }
  if (html !== undefined) await writeComparison(html, comparison, runs);
  const { differences, measures } = comparison;
  if (json) {
    const entries = measures.map(({ best, ...measure }) => ({ ...measure, best: [...best] }));
    print(JSON.stringify({ runs: names, differences, measures: entries }) + "\n");
    return;
  }
  print(formatComparison(comparison));
  if (html !== undefined) print(`report: ${html}\n`);
}

/** Limit for a claim in the table, in bytes: it may be a paragraph. The page shows all of it. */
const claimBytes = 40;

/** Formats a comparison for the terminal: what differs in the trials, then the measures. */
export function formatComparison({ names, differences, measures }: RunComparison): string {
  const heads = names.map(oneLine);
  const keys = differences.map(({ path, values }) => [
    oneLine(path),
    ...values.map((value = "–") =>
      path === "claim" ? printable(value, claimBytes) : oneLine(value),
    ),
  ]);
  const numbers = measures.map(({ name, values, best }) => [
    oneLine(name),
    ...values.map((value, i) => {
      const text = value === undefined ? "–" : formatNumber(value);
      return best.has(i) ? pc.green(text) : text;
    }),
  ]);
  const sides = (side: "left" | "right") => ["left" as const, ...names.map(() => side)];
  const trials =
    keys.length === 0
      ? "the trials are identical"
      : columns([["trial", ...heads], ...keys], sides("left"));
  return `${trials}\n\n${columns([["measure", ...heads], ...numbers], sides("right"))}\n`;
}
