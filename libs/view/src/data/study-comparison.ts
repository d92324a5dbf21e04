import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import {
  commandName,
  compareStudies,
  differenceNote,
  formatCell,
  formatDifference,
  listComparedStudies,
  listTrialDifferences,
  meanNote,
  nameApart,
  readRun,
  readRunTrial,
  readStoredSweep,
  shareNote,
  studyOfRun,
  type ComparedStudy,
} from "@fedclair/runs";
import { maxValueBytes, type ComparedFolder } from "./comparison.js";
import { maxStudies, type StudyComparison } from "./protocol.js";
import { readSummaries } from "./sweep-view.js";

/** A study with the folder that it comes from. */
type PlacedStudy = ComparedStudy & {
  readonly source: Omit<StudyComparison["studies"][number], "name">;
  /** A trial of it; undefined if none has begun. */
  readonly trial: object | undefined;
};

/**
 * Compares folders of which at least one holds a sweep or a study, over seeds, as `fedclair
 * compare` does. Returns undefined if all are runs.
 * @throws UserError if one of them cannot be read, or if they have too many studies for a page
 */
export async function compareSweeps(
  folders: readonly ComparedFolder[],
): Promise<StudyComparison | undefined> {
  const grids = folders.map(({ folder }) => readStoredSweep(folder));
  if (grids.every((grid) => !grid)) return undefined;
  const listed: PlacedStudy[] = [];
  for (const [i, { folder, path, description }] of folders.entries()) {
    const name = printable(path || basename(folder), maxValueBytes);
    const grid = grids[i];
    if (!grid) {
      const run = await readRun(folder, description);
      const source = { path, kind: "run" } as const;
      listed.push({ ...studyOfRun(name, run), source, trial: run.trial });
      continue;
    }
    for (const study of listComparedStudies(name, grid, readSummaries(folder, grid))) {
      const source = { path, kind: "sweep" } as const;
      listed.push({ ...study, source, trial: readTrialOf(folder, study.trials) });
    }
  }
  if (listed.length > maxStudies) {
    const names = folders.map(({ path, folder }) => path || basename(folder)).join(" ");
    throw new UserError(
      `these have ${listed.length} studies, and the page compares at most ${maxStudies}: ${commandName()} compare ${names} --html comparison.html writes a page of all`,
    );
  }
  return toComparison(nameApart(listed));
}

/** Reads the trial of the first run of a study that has begun. */
function readTrialOf(
  folder: string,
  trials: readonly { readonly folder: string }[],
): object | undefined {
  for (const { folder: name } of trials) {
    try {
      return readRunTrial(join(folder, name)).trial;
    } catch {
      // A waiting run has none; the next one may.
    }
  }
  return undefined;
}

function toComparison(studies: readonly PlacedStudy[]): StudyComparison {
  const { tables, findings, differences, models, trials, finished } = compareStudies(studies);
  const cells = tables.flatMap((table) => table.cells.flat());
  const text = (value: string) => printable(value, maxValueBytes);
  const withTrial = studies.map(({ trial }) => ({ ...trial, seed: undefined }));
  const notes = [
    models,
    cells.some((cell) => cell?.interval && !cell.counts) ? meanNote : undefined,
    cells.some((cell) => cell?.counts) ? shareNote : undefined,
    differences.length > 0 ? differenceNote : undefined,
  ].filter((note) => note !== undefined);
  // The columns of a table are the studies with numbers.
  const columns = studies.map(({ name }) => name);
  return {
    studies: studies.map(({ name, source }) => ({ name: text(name), ...source })),
    findings: findings.map(({ place, texts }) => ({ place: text(place), texts: texts.map(text) })),
    differences: listTrialDifferences(withTrial).map(({ path, values }) => {
      return {
        path: text(path),
        values: values.map((value) => (value === undefined ? undefined : text(value))),
      };
    }),
    measures: tables.map((table) => {
      const values = columns.map((name) =>
        formatCell(table.cells[0]?.[table.columns.indexOf(name)]),
      );
      return { name: text(table.measure), values };
    }),
    notes,
    paired: differences.map((one) => {
      return {
        place: text(one.place),
        methods: text(`${one.method} − ${one.reference}`),
        measure: text(one.measure),
        text: formatDifference(one),
        outcome: one.outcome,
      };
    }),
    trials,
    missing: trials - finished,
  };
}
