import { UserError } from "@fedclair/core";
import { oneLine, printable } from "@fedclair/core/internal";
import {
  commandName,
  countNoun,
  openTerminal,
  outcomeText,
  print,
  findRun,
  readRun,
  stoppedText,
  sweepText,
  version,
  type StoredRun,
} from "@fedclair/runs";
import { openRunWith } from "./open-run.js";
import { listRunStatus, openSweep, type OpenedSweep } from "./open-sweep.js";

/** `fedclair show`: shows the status of a run, a study or a sweep, and the results so far. */
export async function show(
  folder: string,
  { plugins, json }: { readonly plugins: readonly string[]; readonly json: boolean },
): Promise<void> {
  const sweep = await openSweep(folder);
  if (sweep) {
    await showSweep(sweep, json);
    return;
  }
  const stored = await requireRun(folder);
  const run = await openRunWith(folder, plugins, readRun);
  const { summary } = run;
  if (json) {
    print(JSON.stringify({ ...standing(stored), summary }) + "\n");
    return;
  }
  const terminal = await openTerminal();
  const notices = (summary.notices ?? []).map((notice) => {
    const text = printable(notice, 2000);
    return `${terminal ? terminal.wrap(text, terminal.width) : text}\n`;
  });
  print(
    `${oneLine(folder)}: ${formatStanding(stored)}\n${notices.join("")}\n${outcomeText(run, terminal)}`,
  );
}

async function showSweep(sweep: OpenedSweep, json: boolean): Promise<void> {
  const runs = await listRunStatus(sweep);
  if (json) {
    print(JSON.stringify({ folder: sweep.folder, ...sweep.results, runs }) + "\n");
    return;
  }
  const counts = new Map<string, number>();
  for (const { status } of runs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const standing = [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
  print(
    `${oneLine(sweep.folder)}: ${countNoun(runs.length, "run")}: ${standing}\n\n${sweepText(sweep.results, await openTerminal())}`,
  );
}

/** Finds the run in a folder. @throws UserError if there is none */
export async function requireRun(folder: string): Promise<StoredRun> {
  const stored = await findRun(folder);
  if (!stored)
    throw new UserError(`'${folder}' holds no run: ${commandName()} list shows the existing runs`);
  return stored;
}

/**
 * Finds the finished run in a folder.
 * @param verb what is done with it, if that needs the run's release
 * @throws UserError if there is none, it is not done, or it is of another release
 */
export async function requireFinished(folder: string, verb?: string): Promise<StoredRun> {
  const stored = await requireRun(folder);
  const { status, info } = stored;
  if (status !== "done")
    throw new UserError(`the run in '${folder}' is ${status}: expected one that is done`);
  if (verb === undefined || info.version === version) return stored;
  throw new UserError(
    `the run in '${folder}' is of release ${info.version}, and other releases may compute other numbers: ${verb} it with that release, this is ${version}`,
  );
}

/** The status of a run, without its numbers. */
export function standing({ folder, status, info, trial, rounds, failure }: StoredRun): object {
  const { started, version, backend, backendReason } = info;
  const { name, seed } = trial;
  return {
    folder,
    status,
    name,
    seed,
    started,
    backend,
    version,
    ...(backendReason !== undefined && { backendReason }),
    ...(status !== "done" && { rounds }),
    ...(failure && { failure: failure.message }),
  };
}

/** Formats the status of a run, like `done, 1 arm stopped`. */
export function formatStatus({ status, summary }: StoredRun): string {
  const stopped = stoppedText(summary);
  return stopped === undefined ? status : `${status}, ${stopped}`;
}

function formatStanding(run: StoredRun): string {
  const { status, info, rounds, holder, failure } = run;
  const parts = [
    failure ? `failed (${failure.message})` : formatStatus(run),
    `began ${info.started}`,
    ...(status === "done" ? [] : [`${countNoun(rounds, "round")} completed`]),
    ...(holder ? [`process ${holder.pid} on ${oneLine(holder.host)}`] : []),
  ];
  return parts.join(", ");
}
