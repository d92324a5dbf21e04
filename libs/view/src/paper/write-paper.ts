import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { UserError } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import {
  makeFolder,
  readRunInfo,
  readRunTrial,
  toCsv,
  trialHash,
  type RunInfo,
  type StoredSweep,
  type SweepResults,
} from "@fedclair/runs";
import { drawFigures, type Drawing, type Figure } from "../figures/figures.js";
import { drawSweep } from "../report/write-sweep.js";
import { crateMetadata, hashList, type Archive, type ArchivedFile } from "./crate.js";
import { latexTables } from "./latex-tables.js";
import { toLatex } from "./latex-text.js";
import { methodsParagraph } from "./methods.js";
import { placePaths, replacePaths } from "./place-paths.js";

/**
 * Writes what a paper needs of a finished sweep into a new folder: tables, methods and figures for
 * LaTeX, a document that shows them, and the trials with their results, all with hashes and
 * RO-Crate metadata. The same runs give the same bytes.
 * @param folder of the sweep
 * @returns the paths of the files
 * @throws UserError if a run has no results, or if `out` exists
 */
export async function writePaper(
  folder: string,
  { grid, results }: { readonly grid: StoredSweep; readonly results: SweepResults },
  out: string,
  by: Pick<Archive, "author" | "organization" | "license"> = {},
): Promise<readonly string[]> {
  const missing = results.trials - results.finished;
  if (missing > 0)
    throw new UserError(
      `${folder}: ${missing} of ${results.trials} runs have no results: finish the sweep before you write about it`,
    );
  const runs = grid.trials.map(({ folder: run }): PaperRun => {
    const { trial } = readRunTrial(join(folder, run));
    return { folder: run, trial, info: readRunInfo(join(folder, run)) };
  });
  const places = placePaths(grid.file, runs);
  const days = runs.map(({ info }) => info?.started.slice(0, 10) ?? "").sort();
  const figures = await drawFigures(await drawSweep(folder, grid, results));
  const drawPdf = await loadDrawPdf();
  const texts: readonly (readonly [string, string])[] = [
    ["paper.tex", formatDocument(grid.name, figures)],
    ["tables.tex", latexTables(grid, results)],
    [
      "methods.tex",
      methodsParagraph({
        grid,
        results,
        trials: runs.map(({ trial }) => replacePaths(trial, places)),
        data: runs.flatMap(({ info }) => replacePaths(info?.data ?? [], places)),
        version: grid.version,
        backends: [...new Set(runs.map(({ info }) => info?.backend ?? "unknown"))],
      }),
    ],
    ...figures.map(({ name, svg }) => [`figures/${name}.pdf`, drawPdf(svg)] as const),
    ["results/summary.json", JSON.stringify(results, null, 1) + "\n"],
    ["results/table.csv", toCsv(results.tables)],
  ];
  const files: readonly ArchivedFile[] = [
    ...texts.map(([path, text]) => ({ path, content: Buffer.from(text) })),
    ...runs.flatMap((run) => archiveRun(folder, run, places)),
  ];
  const sums = { path: "sha256sums.txt", content: Buffer.from(hashList(files)) };
  const archive: Archive = {
    name: grid.name,
    description: grid.claim ?? `Federated trials of the sweep ${grid.name}, with their results.`,
    date: days.at(-1) ?? "",
    version: grid.version,
    ...by,
  };
  const crate = Buffer.from(crateMetadata(archive, [...files, sums]));
  if (!(await makeFolder(out)))
    throw new UserError(`'${out}' exists: choose another --out, or remove it`);
  const all = [...files, sums, { path: "ro-crate-metadata.json", content: crate }];
  for (const { path, content } of all) {
    await makeFolder(dirname(join(out, path)));
    await writeFile(join(out, path), content);
  }
  return all.map(({ path }) => join(out, path));
}

interface PaperRun {
  /** In the folder of the sweep. */
  readonly folder: string;
  readonly trial: Trial;
  readonly info: RunInfo | undefined;
}

/** Lists the files of a run that are archived. Its records follow from its trial. */
function archiveRun(
  sweep: string,
  { folder, trial, info }: PaperRun,
  places: ReadonlyMap<string, string>,
): ArchivedFile[] {
  const moved = replacePaths(trial, places, "../../");
  const about = info && { ...replacePaths(info, places, "../../"), hash: trialHash(moved) };
  const list: readonly (readonly [string, Buffer])[] = [
    ["trial.yaml", Buffer.from(stringify(moved))],
    ...(about ? [["run.json", Buffer.from(JSON.stringify(about, null, 2) + "\n")] as const] : []),
    ["summary.json", readFileSync(join(sweep, folder, "summary.json"))],
  ];
  return list.map(([name, content]) => ({ path: `runs/${folder}/${name}`, content }));
}

/** @throws UserError where the native code is missing */
async function loadDrawPdf(): Promise<(svg: string) => string> {
  try {
    return (await import("../figures/draw-pdf.js")).drawPdf;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UserError(
      "figures as PDF need the package @resvg/resvg-js, which an installation by pip lacks: write the paper with an installation by npm",
    );
  }
}

/** A document that shows the methods, the tables and the figures. */
function formatDocument(name: string, figures: readonly (Figure | Drawing)[]): string {
  return [
    "\\documentclass{article}",
    "\\usepackage{booktabs,graphicx}",
    "\\begin{document}",
    `\\section*{${toLatex(name)}}`,
    "\\input{methods}",
    "\\input{tables}",
    ...figures.flatMap(({ name: file, title, caption }) => [
      "\\begin{figure}",
      "\\centering",
      `\\includegraphics[width=\\linewidth]{figures/${file}.pdf}`,
      `\\caption{${toLatex(`${title}. ${caption}`)}}`,
      `\\label{fig:${file}}`,
      "\\end{figure}",
    ]),
    "\\end{document}",
    "",
  ].join("\n");
}
