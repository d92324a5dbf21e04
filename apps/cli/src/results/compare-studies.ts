import { basename } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { studyPage, writePage } from "@fedclair/view";
import {
  columns,
  commandName,
  compareStudies,
  formatCell,
  listComparedStudies,
  nameApart,
  openTerminal,
  print,
  readRun,
  studyOfRun,
  sweepText,
  type ComparedStudy,
} from "@fedclair/runs";
import { openRunWith } from "./open-run.js";
import { openSweep } from "./open-sweep.js";

export interface CompareOptions {
  readonly plugins: readonly string[];
  /** A new file for the page. */
  readonly html?: string;
  readonly json: boolean;
}

/** Compares studies: runs that differ by their seed, from folders of studies, sweeps and runs. */
export async function printStudyComparison(
  folders: readonly string[],
  { plugins, html, json }: CompareOptions,
): Promise<void> {
  const studies = (
    await Promise.all(folders.map((folder) => listCompared(folder, plugins)))
  ).flat();
  if (studies.length < 2) {
    throw new UserError(
      `compare: expected two runs or studies or more, got one: ${commandName()} show ${folders.join(" ")} shows it`,
    );
  }
  const named = nameApart(studies);
  const results = compareStudies(named);
  if (html !== undefined) {
    const names = named.map(({ name }) => name);
    await writePage(html, await studyPage(results, names));
  }
  if (json) {
    print(JSON.stringify(results) + "\n");
    return;
  }
  const heads = results.tables[0]?.columns ?? [];
  const rows = results.tables.map(({ measure, cells }) => [
    oneLine(measure),
    ...heads.map((_, c) => formatCell(cells[0]?.[c])),
  ]);
  const align = ["left" as const, ...heads.map(() => "right" as const)];
  const terminal = await openTerminal();
  const table = columns([["measure", ...heads.map(oneLine)], ...rows], align, terminal?.width);
  print(`${table}\n\n${sweepText({ ...results, tables: [] }, terminal)}`);
  if (html !== undefined) print(`report: ${html}\n`);
}

/** Lists the studies in a folder; a single run is a study of one seed. */
async function listCompared(folder: string, plugins: readonly string[]): Promise<ComparedStudy[]> {
  const sweep = await openSweep(folder);
  const name = basename(folder);
  if (!sweep) return [studyOfRun(name, await openRunWith(folder, plugins, readRun))];
  return listComparedStudies(name, sweep.grid, sweep.summaries);
}
