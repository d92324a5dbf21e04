import { join } from "node:path";
import { UserError } from "@fedclair/core";
import {
  listArms,
  oneLine,
  prepareResolvedTrial,
  resolveTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { loadNamedPlugins } from "@fedclair/plugins";
import {
  cardText,
  columns,
  findRun,
  formatNumber,
  isSweep,
  openTerminal,
  parseSweep,
  print,
  readTrialFile,
  listRuns,
  listSweeps,
  selectUnknownCode,
  stoppedText,
  summaryCard,
  type StoredRun,
  type Measure,
} from "@fedclair/runs";
import pc from "picocolors";
import { z } from "zod";
import { readPluginCode } from "../trust/allow-code.js";
import { formatStatus, standing } from "./show.js";
import { trialFiles } from "./trial-files.js";

interface ListOptions {
  readonly json: boolean;
}

/**
 * `fedclair list`: lists the trials and sweeps in `trials` and the runs in `runs`, or everything in
 * a folder, with the runs of its subfolder `runs`. Runs no code that the user has not run before.
 * @throws UserError after they are printed, if a file cannot be read
 */
export async function list(folder: string | undefined, { json }: ListOptions): Promise<void> {
  const names =
    folder === undefined ? await trialFiles("trials").catch(() => []) : await trialFiles(folder);
  const all = await Promise.all(names.map((name) => listed(name, name === folder)));
  const files = all.filter((entry) => entry !== undefined);
  const places = folder === undefined ? ["runs"] : [folder, join(folder, "runs")];
  const itself = folder === undefined ? undefined : await findRun(folder).catch(() => undefined);
  const found = [...(itself ? [itself] : []), ...(await Promise.all(places.map(listRuns))).flat()];
  const runs = found.flatMap((run) => ("fault" in run ? [] : [{ run, primary: primaryOf(run) }]));
  const stored = (await Promise.all(places.map(listSweeps))).flat();
  const folders = stored.flatMap((sweep) => ("fault" in sweep ? [] : [sweep]));
  const trials = files.filter((entry) => "task" in entry);
  const sweeps = files.filter((entry) => "sweep" in entry);
  const faulty = files.filter((entry) => "fault" in entry);
  const broken = [...found, ...stored].flatMap((one) =>
    "fault" in one ? [{ file: one.folder, fault: one.fault }] : [],
  );
  if (json) {
    const entries = runs.map(({ run, primary }) => ({
      ...standing(run),
      ...(primary && { primary }),
      ...(run.summary && { summary: run.summary }),
    }));
    const studies = folders.map(({ folder, name, trials: all, finished }) => {
      return { folder, name, trials: all, finished };
    });
    print(
      JSON.stringify({ trials, sweeps, faulty: [...faulty, ...broken], runs: entries, studies }) +
        "\n",
    );
    checkFaulty(faulty);
    return;
  }
  await section(
    ["trial", "task", "clients"],
    trials.map((entry) => [oneLine(entry.file), oneLine(entry.task), entry.clients]),
  );
  await section(
    ["sweep", "trials"],
    sweeps.map((entry) => [oneLine(entry.file), entry.trials ?? "unknown"]),
  );
  await section(
    ["cannot be read", "why"],
    [...faulty, ...broken].map(({ file, fault }) => [oneLine(file), pc.red(oneLine(fault))]),
  );
  await section(
    ["study or sweep", "runs done"],
    folders.map(({ folder, trials: all, finished }) => [oneLine(folder), `${finished} of ${all}`]),
  );
  await section(
    ["run", "status", "rounds", "began", "seed", "verdict", "primary measure", ""],
    runs.map(runRow),
  );
  if (files.length + folders.length + found.length === 0) {
    print(`nothing to list in ${folder ?? "trials and runs"}\n`);
  }
  checkFaulty(faulty);
}

/** @throws UserError if files cannot be read, after everything has been printed */
function checkFaulty(faulty: readonly { readonly file: string }[]): void {
  if (faulty.length === 0) return;
  const files = faulty.map(({ file }) => file).join(", ");
  throw new UserError(`cannot read ${files}: the list says why`);
}

/** A trial file, a sweep file or a file with a fault. */
type Listed =
  | {
      readonly file: string;
      readonly task: string;
      readonly clients: number;
      readonly claim: string;
    }
  | {
      readonly file: string;
      readonly sweep: string;
      /** Absent if plug-ins that were not loaded decide it. */
      readonly trials?: number;
      readonly claim: string;
    }
  | { readonly file: string; readonly fault: string };

/** Returns undefined for other files of a folder, such as the settings of a tool. */
async function listed(file: string, isNamed: boolean): Promise<Listed | undefined> {
  try {
    const source = readTrialFile(file);
    const content = Object(source.yaml.content) as object;
    if (!isNamed && !("task" in content || "clients" in content)) return undefined;
    if (selectUnknownCode(await readPluginCode(source)).length > 0) return listUnchecked(source);
    const plugins = await loadNamedPlugins(source);
    if (isSweep(source)) {
      const { name, trials, claim = "" } = parseSweep(source, plugins);
      return { file, sweep: name, trials: trials.length, claim };
    }
    // No trace of devices is read: the file may be somebody else's.
    const { trial } = prepareResolvedTrial(resolveTrial(source, plugins), plugins, file);
    const { task, clients, claim = "" } = trial;
    return { file, task: task.name, clients, claim };
  } catch (error) {
    const [fault = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { file, fault };
  }
}

/**
 * Lists a file that names plug-ins which this user has not run, so that they are not loaded: what
 * the file says, without a check.
 */
function listUnchecked(source: TrialSource): Listed {
  const { file, yaml } = source;
  if (isSweep(source)) {
    const { name, claim } = yaml.check(uncheckedSweep);
    return { file, sweep: name, claim };
  }
  const { task, clients, claim } = yaml.check(uncheckedTrial);
  return { file, task: task.name, clients, claim };
}

const claim = z.string().default("");
const uncheckedSweep = z.looseObject({ name: z.string(), claim });
const uncheckedTrial = z.looseObject({
  task: z.looseObject({ name: z.string() }),
  clients: z.int().min(1),
  claim,
});

/** Finds the primary measure of a run's main arm; undefined if it is not known. */
function primaryOf({ trial, summary }: StoredRun): Measure | undefined {
  const [{ label }] = listArms(trial);
  return summary?.details.find(
    ({ metric, arm, comparison }) => metric === summary.primary && arm === label && !comparison,
  );
}

function runRow({ run, primary }: { run: StoredRun; primary: Measure | undefined }): Cell[] {
  const { folder, status, trial, info, rounds, summary, failure } = run;
  const all = trial.rounds * listArms(trial).length;
  const done = stoppedText(summary) === undefined ? pc.green : pc.yellow;
  const colour = { done, running: pc.cyan, failed: pc.red, interrupted: pc.yellow };
  return [
    oneLine(folder),
    colour[status](formatStatus(run)),
    status === "done" ? String(all) : `${rounds} of ${all}`,
    info.started.slice(0, 16).replace("T", " "),
    trial.seed,
    summary ? cardText(summaryCard(trial, summary)) : oneLine(failure?.message ?? ""),
    primary ? oneLine(primary.name) : "",
    primary ? formatNumber(primary.value) : "",
  ];
}

type Cell = string | number;

/** Prints a table with headings, unless it has no rows. */
async function section(
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  if (rows.length === 0) return;
  const isNumber = (i: number) => rows.every((row) => typeof row[i] === "number");
  const align = heads.map((_, i) => (isNumber(i) ? "right" : "left"));
  const cells = rows.map((row) => row.map(String));
  print(`${columns([heads, ...cells], align, (await openTerminal())?.width)}\n\n`);
}
