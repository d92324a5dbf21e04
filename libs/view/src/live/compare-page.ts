import { basename, join } from "node:path";
import { printable } from "@fedclair/core/internal";
import {
  compareRuns,
  compareStudies,
  listComparedStudies,
  listTrialDifferences,
  nameApart,
  readRun,
  readRunTrial,
  readStoredSweep,
  studyOfRun,
  type ComparedStudy,
  type Run,
  type StoredSweep,
  type TrialDescription,
} from "@fedclair/runs";
import { formatRoute, type Route } from "../data/routes.js";
import { readSummaries } from "../data/sweep-view.js";
import { comparisonPage } from "../report/comparison-page.js";
import { studyPage } from "../report/study-page.js";

/** A run, study or sweep to compare. */
interface ComparedFolder {
  readonly folder: string;
  /** Relative to the folder that is served. */
  readonly path: string;
  readonly description: TrialDescription | undefined;
}

/** A study with the address of its runs. */
type PlacedStudy = ComparedStudy & {
  readonly address: string;
  /** A trial of it; undefined if none has begun. */
  readonly trial: object | undefined;
};

/**
 * Compares folders like `fedclair compare --html`, with links to their runs: runs side by side, or
 * studies over seeds if one of the folders holds a sweep or a study.
 * @throws UserError if one of them cannot be read
 */
export async function comparePage(folders: readonly ComparedFolder[]): Promise<string> {
  const grids = folders.map(({ folder }) => readStoredSweep(folder));
  if (grids.every((grid) => !grid)) return await compareSingleRuns(folders);
  const listed: PlacedStudy[] = [];
  for (const [i, folder] of folders.entries()) listed.push(...(await listPlaced(folder, grids[i])));
  const studies = nameApart(listed);
  const withTrial = studies.map(({ trial }) => ({ ...trial, seed: undefined }));
  return await studyPage(
    compareStudies(studies),
    studies.map(({ name }) => name),
    {
      keys: listTrialDifferences(withTrial),
      links: new Map(studies.map(({ name, address }) => [name, address])),
    },
  );
}

async function compareSingleRuns(folders: readonly ComparedFolder[]): Promise<string> {
  const runs: Run[] = [];
  for (const { folder, description } of folders) runs.push(await readRun(folder, description));
  const names = folders.map(nameOf);
  const unique = names.map((name, i) => (names.indexOf(name) === i ? name : `${name} #${i + 1}`));
  const links = folders.map(({ path }, i) => [unique[i] ?? "", addressOf("run", path)] as const);
  const comparison = compareRuns(new Map(runs.map((run, i) => [unique[i] ?? "", run])));
  return await comparisonPage(comparison, runs, new Map(links));
}

async function listPlaced(
  compared: ComparedFolder,
  grid: StoredSweep | undefined,
): Promise<PlacedStudy[]> {
  const { folder, path, description } = compared;
  const name = nameOf(compared);
  if (!grid) {
    const run = await readRun(folder, description);
    return [{ ...studyOfRun(name, run), address: addressOf("run", path), trial: run.trial }];
  }
  return listComparedStudies(name, grid, readSummaries(folder, grid)).map((study) => ({
    ...study,
    address: addressOf("list", path),
    trial: readTrialOf(folder, study.trials),
  }));
}

function nameOf({ path, folder }: ComparedFolder): string {
  return printable(path || basename(folder), 200);
}

/** An address on the live page. */
function addressOf(view: Route["view"], path: string): string {
  return `/${formatRoute({ view, path })}`;
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
