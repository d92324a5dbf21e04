import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { listArms, printable } from "@fedclair/core/internal";
import {
  findRun,
  findSweepFault,
  inspectRun,
  listVerdictCounts,
  readStoredSweep,
  summaryCard,
  sweepCard,
  type StoredRun,
} from "@fedclair/runs";
import type { Entry, Listing } from "./protocol.js";
import { readSummaries } from "./sweep-view.js";

/** Number of entries that are listed; a folder may have any number of others. */
const maxEntries = 2000;

/**
 * Lists the runs, studies and sweeps in a folder. A folder that holds a run or a sweep itself is
 * its only entry, or lists the runs of the sweep.
 * @param folder inside the folder that is served
 * @param path of `folder`, relative to that
 */
export async function listEntries(folder: string, path: string): Promise<Listing> {
  const root = basename(resolve(folder));
  const own = await findRun(folder).catch(() => undefined);
  if (own) return { root, isRun: true, isSweep: false, entries: [runEntry(own, path)] };
  const inner = (name: string) => (path === "" ? name : `${path}/${name}`);
  const sweep = readStoredSweep(folder);
  const names = sweep
    ? sweep.trials.map((trial) => trial.folder)
    : (await readdir(folder).catch(() => [])).sort();
  const entries: Entry[] = [];
  for (const name of names.slice(0, maxEntries)) {
    const entry = await readEntry(join(folder, name), inner(name), sweep !== undefined);
    if (entry) entries.push(entry);
  }
  return { root, isRun: false, isSweep: sweep !== undefined, entries };
}

async function readEntry(
  folder: string,
  path: string,
  isOfSweep: boolean,
): Promise<Entry | undefined> {
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) return isOfSweep ? emptyEntry(path) : undefined;
  const run = await inspectRun(folder);
  if (run && !("fault" in run)) return runEntry(run, path);
  const fault = run?.fault ?? findSweepFault(folder);
  if (fault !== undefined) return emptyEntry(path, fault);
  const sweep = readStoredSweep(folder);
  if (!sweep) return isOfSweep ? emptyEntry(path) : undefined;
  const { trials, name } = sweep;
  const summaries = readSummaries(folder, sweep);
  const done = summaries.size;
  const measured = trials.map((trial) => ({ ...trial, summary: summaries.get(trial.id) }));
  const verdicts = listVerdictCounts({ ...sweep, trials: measured });
  const status = done === trials.length ? "done" : "interrupted";
  return {
    path,
    kind: "sweep",
    name: printable(name, 200),
    status: (await isAnyRunning(folder, trials)) ? "running" : status,
    done,
    of: trials.length,
    ...(done > 0 && { card: sweepCard({ trials: trials.length, finished: done, verdicts }) }),
  };
}

async function isAnyRunning(
  folder: string,
  trials: readonly { readonly folder: string }[],
): Promise<boolean> {
  for (const trial of trials) {
    const run = await findRun(join(folder, trial.folder)).catch(() => undefined);
    if (run?.status === "running") return true;
  }
  return false;
}

/** A run without numbers: it waits, or it cannot be read. */
function emptyEntry(path: string, fault?: string): Entry {
  const status = fault === undefined ? "waiting" : "broken";
  return {
    path,
    kind: "run",
    name: path,
    status,
    ...(fault !== undefined && { fault }),
    done: 0,
    of: 0,
  };
}

function runEntry(run: StoredRun, path: string): Entry {
  const { status, trial, info, rounds, summary, failure } = run;
  const arms = listArms(trial);
  const of = trial.rounds * arms.length;
  const primary = summary?.details.find(
    ({ metric, arm, comparison }) =>
      metric === summary.primary && arm === arms[0].label && !comparison,
  );
  return {
    path,
    kind: "run",
    name: printable(trial.name, 200),
    status,
    done: status === "done" ? of : rounds,
    of,
    task: trial.task.name,
    aggregator: trial.aggregator.name,
    seed: trial.seed,
    started: info.started,
    ...(failure && { fault: printable(failure.message, 500) }),
    ...(summary && { card: summaryCard(trial, summary) }),
    ...(primary && { primary: { name: printable(primary.name, 200), value: primary.value } }),
  };
}
