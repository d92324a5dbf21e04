import { basename } from "node:path";
import { printable } from "@fedclair/core/internal";
import {
  compareStudies,
  listComparedStudies,
  nameApart,
  readRun,
  readStoredSweep,
  studyOfRun,
  type ComparedStudy,
  type TrialDescription,
} from "@fedclair/runs";
import { formatRoute } from "../data/routes.js";
import { readSummaries } from "../data/sweep-view.js";
import { studyPage } from "../report/study-page.js";

/** A run, study or sweep to compare. */
interface ComparedFolder {
  readonly folder: string;
  /** Relative to the folder that is served. */
  readonly path: string;
  readonly description: TrialDescription | undefined;
}

/**
 * Compares folders like `fedclair compare --html`, with links to their runs.
 * @throws UserError if one of them cannot be read
 */
export async function comparePage(folders: readonly ComparedFolder[]): Promise<string> {
  const listed = [];
  for (const folder of folders) listed.push(...(await listPlaced(folder)));
  const studies = nameApart(listed);
  const links = new Map(studies.map(({ name, address }) => [name, address]));
  return await studyPage(compareStudies(studies), studies, links);
}

/** Lists the studies in a folder with the addresses of their runs on the live page. */
async function listPlaced({
  folder,
  path,
  description,
}: ComparedFolder): Promise<(ComparedStudy & { readonly address: string })[]> {
  const name = printable(path || basename(folder), 200);
  const grid = readStoredSweep(folder);
  const studies = grid
    ? listComparedStudies(name, folder, grid, readSummaries(folder, grid))
    : [studyOfRun(name, await readRun(folder, description))];
  const address = `/${formatRoute({ view: grid ? "list" : "run", path })}`;
  return studies.map((study) => ({ ...study, address }));
}
