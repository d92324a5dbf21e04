import { basename } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine, printable } from "@fedclair/core/internal";
import { studyPage, writePage } from "@fedclair/view";
import pc from "picocolors";
import {
  columns,
  commandName,
  compareStudies,
  findBestCells,
  formatCell,
  listComparedStudies,
  nameApart,
  openTerminal,
  print,
  readRun,
  studyOfRun,
  sweepText,
  type ComparedStudy,
  type StudyComparison,
  type Terminal,
} from "@fedclair/runs";
import { openRunWith } from "./open-run.js";
import { openSweep } from "./open-sweep.js";
import { requireRun } from "./show.js";

interface CompareOptions {
  readonly plugins: readonly string[];
  /** A new file for the page. */
  readonly html?: string;
  readonly json: boolean;
}

/**
 * `fedclair compare`: compares runs, and studies and sweeps over seeds, side by side.
 * @throws UserError if a folder holds no run
 */
export async function printComparison(
  folders: readonly string[],
  { plugins, html, json }: CompareOptions,
): Promise<void> {
  const listed = await Promise.all(folders.map((folder) => listCompared(folder, plugins)));
  const studies = nameApart(listed.flat());
  if (studies.length < 2) {
    throw new UserError(
      `compare: expected two runs or studies or more, got one: ${commandName()} show ${folders.join(" ")} shows it`,
    );
  }
  const backends = new Set(studies.flatMap(({ run }) => run?.summary.backend ?? []));
  if (backends.size > 1) {
    process.stderr.write(
      `the backends differ (${[...backends].join(", ")}), so the last digits may differ\n`,
    );
  }
  const results = compareStudies(studies);
  if (html !== undefined) await writePage(html, await studyPage(results, studies));
  if (json) {
    print(JSON.stringify(results) + "\n");
    return;
  }
  const names = studies.map(({ name }) => name);
  print(formatComparison(results, names, await openTerminal()));
  if (html !== undefined) print(`report: ${html}\n`);
}

async function listCompared(folder: string, plugins: readonly string[]): Promise<ComparedStudy[]> {
  const sweep = await openSweep(folder);
  const name = basename(folder);
  if (sweep) return listComparedStudies(name, folder, sweep.grid, sweep.summaries);
  const { status } = await requireRun(folder);
  if (status !== "done")
    process.stderr.write(`${folder}: ${status}; the comparison covers the rounds so far\n`);
  return [studyOfRun(name, await openRunWith(folder, plugins, readRun))];
}

/** Claims are sentences, and in full they would push each other off the screen. */
const claimBytes = 40;

/** @param names of all studies; those without numbers get dashes */
export function formatComparison(
  results: StudyComparison,
  names: readonly string[],
  terminal?: Terminal,
): string {
  const heads = names.map(oneLine);
  const keys = results.trialDifferences.map(({ path, values }) => [
    oneLine(path),
    ...values.map((value = "–") =>
      path === "claim" ? printable(value, claimBytes) : oneLine(value),
    ),
  ]);
  const numbers = results.tables.map(({ measure, columns: places, cells: [row = []], worse }) => {
    const best = findBestCells(row, worse);
    const cells = names.map((name) => {
      const place = places.indexOf(name);
      const text = formatCell(row[place]);
      return best.has(place) ? pc.green(text) : text;
    });
    return [oneLine(measure), ...cells];
  });
  const aligned = (head: string, rows: readonly string[][], side: "left" | "right") =>
    columns([[head, ...heads], ...rows], ["left", ...names.map(() => side)], terminal?.width);
  const trials = keys.length === 0 ? "the trials are identical" : aligned("trial", keys, "left");
  const rest = sweepText({ ...results, tables: [] }, terminal);
  return [trials, aligned("measure", numbers, "right"), rest].join("\n\n");
}
