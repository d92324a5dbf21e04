import { basename } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine, printable } from "@fedclair/core/internal";
import { comparisonPage, writePage } from "@fedclair/view";
import {
  columns,
  compareRuns,
  formatEstimate,
  formatNumber,
  openTerminal,
  print,
  readRun,
  readStoredSweep,
  type RunComparison,
  type Terminal,
} from "@fedclair/runs";
import pc from "picocolors";
import { printStudyComparison, type CompareOptions } from "./compare-studies.js";
import { openRunWith } from "./open-run.js";
import { requireRun } from "./show.js";

/**
 * `fedclair compare`: compares runs side by side. If a folder holds a study or a sweep, compares
 * the means over seeds.
 */
export async function printComparison(
  folders: readonly string[],
  options: CompareOptions,
): Promise<void> {
  const hasSweep = folders.some((folder) => readStoredSweep(folder) !== undefined);
  if (hasSweep) await printStudyComparison(folders, options);
  else await compareSingleRuns(folders, options);
}

async function compareSingleRuns(
  folders: readonly string[],
  { plugins, html, json }: CompareOptions,
): Promise<void> {
  if (folders.length < 2) throw new UserError("compare: expected two run folders or more, got one");
  const stored = await Promise.all(folders.map(requireRun));
  const runs = await Promise.all(folders.map((folder) => openRunWith(folder, plugins, readRun)));
  const isClear = new Set(folders.map((one) => basename(one))).size === folders.length;
  const names = isClear ? folders.map((one) => basename(one)) : folders;
  const comparison = compareRuns(new Map(runs.map((run, i) => [names[i] ?? "", run])));
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
  if (html !== undefined) await writePage(html, await comparisonPage(comparison, runs));
  const { differences, models, measures } = comparison;
  if (json) {
    const entries = measures.map(({ best, ...measure }) => ({ ...measure, best: [...best] }));
    print(JSON.stringify({ runs: names, differences, models, measures: entries }) + "\n");
    return;
  }
  print(formatComparison(comparison, await openTerminal()));
  if (html !== undefined) print(`report: ${html}\n`);
}

/** Limit for a claim in the table, in bytes: it may be a paragraph. The page shows all of it. */
const claimBytes = 40;

/** Formats a comparison for the terminal: what differs in the trials, then the measures. */
export function formatComparison(
  { names, differences, areSeeds, models, measures, verdicts }: RunComparison,
  terminal?: Terminal,
): string {
  const wrap = (text: string) => `${terminal?.wrap(text, terminal.width) ?? text}\n`;
  const heads = names.map(oneLine);
  const keys = differences.map(({ path, values }) => [
    oneLine(path),
    ...values.map((value = "–") =>
      path === "claim" ? printable(value, claimBytes) : oneLine(value),
    ),
  ]);
  const numbers = measures.map(({ name, values, best, estimate }) => [
    oneLine(name),
    ...values.map((value, i) => {
      const text = value === undefined ? "–" : formatNumber(value);
      return best.has(i) ? pc.green(text) : text;
    }),
    ...(areSeeds ? [estimate ? formatEstimate(estimate) : "–"] : []),
  ]);
  const sides = (side: "left" | "right") => ["left" as const, ...names.map(() => side)];
  const trials =
    keys.length === 0
      ? "the trials are identical"
      : columns([["trial", ...heads], ...keys], sides("left"), terminal?.width);
  const mean = areSeeds ? ["mean ± 95 % (n)"] : [];
  const right = [...sides("right"), ...mean.map(() => "right" as const)];
  const results = verdicts.map((verdict, i) => wrap(`${heads[i] ?? ""}: ${verdict}`));
  const notes = [...(models === undefined ? [] : [wrap(models)]), ...results].join("");
  return `${trials}\n\n${columns([["measure", ...heads, ...mean], ...numbers], right, terminal?.width)}\n\n${notes}`;
}
