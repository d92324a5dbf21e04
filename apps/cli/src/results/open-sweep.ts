import { join } from "node:path";
import { UserError } from "@fedclair/core";
import {
  checkRecords,
  computeResults,
  findSweepFault,
  findRun,
  readStoredSweep,
  readSummary,
  type RunStatus,
  type StoredSweep,
  type Summary,
  type SweepResults,
} from "@fedclair/runs";

/** The runs of a sweep or study in a folder, with their results so far. */
export interface OpenedSweep {
  readonly folder: string;
  readonly grid: StoredSweep;
  /** The summaries of finished runs, by the id of the trial. */
  readonly summaries: ReadonlyMap<string, Summary>;
  readonly results: SweepResults;
}

/**
 * Opens the sweep or study in a folder. Returns undefined if the folder holds none.
 * @throws UserError if its `sweep.json` is damaged, or the records of a finished run have changed
 */
export async function openSweep(folder: string): Promise<OpenedSweep | undefined> {
  const fault = findSweepFault(folder);
  if (fault !== undefined) throw new UserError(`cannot read '${folder}': ${fault}`);
  const grid = readStoredSweep(folder);
  if (!grid) return undefined;
  const summaries = new Map<string, Summary>();
  for (const { id, folder: name } of grid.trials) {
    const run = join(folder, name);
    const summary = readSummary(run);
    if (!summary) continue;
    await checkRecords(run, { link: summary.chain });
    summaries.set(id, summary);
  }
  return { folder, grid, summaries, results: computeResults(grid, summaries) };
}

/** Lists the runs of a sweep with their status; `waiting` if a run has not begun. */
export async function listRunStatus({
  folder,
  grid,
}: Pick<OpenedSweep, "folder" | "grid">): Promise<
  { readonly folder: string; readonly status: RunStatus | "waiting" }[]
> {
  return Promise.all(
    grid.trials.map(async ({ folder: name }) => {
      const run = join(folder, name);
      const status = (await findRun(run).catch(() => undefined))?.status ?? "waiting";
      return { folder: run, status } as const;
    }),
  );
}
