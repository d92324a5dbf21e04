import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import {
  countNoun,
  outcomeText,
  print,
  removeRun,
  findRun,
  stoppedText,
  type StoredRun,
} from "@fedclair/runs";
import { openRun } from "./open-run.js";

/** `fedclair show`: shows the status of a run and its results so far. */
export async function show(
  folder: string,
  { plugins, json }: { readonly plugins: readonly string[]; readonly json: boolean },
): Promise<void> {
  const stored = await requireRun(folder);
  const run = await openRun(folder, plugins);
  const { summary } = run;
  if (json) {
    print(JSON.stringify({ ...standing(stored), summary }) + "\n");
    return;
  }
  print(`${oneLine(folder)}: ${formatStanding(stored)}\n\n${outcomeText(run)}`);
}

/** `fedclair rm`: removes runs, and leaves other files in their folders. */
export async function remove(folders: readonly string[]): Promise<void> {
  const stored = await Promise.all(folders.map(requireRun));
  for (const run of stored) {
    const left = await removeRun(run);
    const rest = left.length === 0 ? "" : `, but for ${left.map(oneLine).join(", ")}`;
    print(`removed ${oneLine(run.folder)}${rest}\n`);
  }
}

/** Finds the run in a folder. @throws UserError if there is none */
export async function requireRun(folder: string): Promise<StoredRun> {
  const stored = await findRun(folder);
  if (!stored)
    throw new UserError(`'${folder}' holds no run: fedclair list shows the existing runs`);
  return stored;
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
