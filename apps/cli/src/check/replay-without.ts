import { UserError } from "@fedclair/core";
import { withModules, type Trial } from "@fedclair/core/internal";
import {
  checkData,
  checkRecords,
  countNoun,
  findRun,
  forkRun,
  prepareTrial,
  replayFolder,
  version,
  type StoredRun,
} from "@fedclair/runs";
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import type { RunOptions } from "../run/run-options.js";
import { run } from "../run/run.js";
import {
  allowRun,
  loadAllowedPlugins,
  allowPython,
  type TrustOptions,
} from "../trust/allow-code.js";
import { backendOf } from "./backend-of.js";

/** Options of the runs that these commands start. */
export type ReplayRunOptions = Pick<RunOptions, "hosts" | "python" | "transport" | "report"> &
  TrustOptions;

interface ReplayWithoutOptions extends ReplayRunOptions {
  /** Ids of the clients to leave out. */
  readonly without: readonly string[];
  /** The first round without them. */
  readonly from: number;
}

/**
 * Runs a run's trial again without some clients. A finished run in the folder is not run again.
 * @returns the folder of the new run
 * @throws UserError if the trial names code that may not run
 */
export async function replayWithout(
  stored: StoredRun,
  options: ReplayWithoutOptions,
): Promise<string> {
  const { folder, info } = stored;
  const { without, from, ...runOptions } = options;
  const out = replayFolder(folder, without, from);
  // The folder around the run may come from somebody else, with a link that leads elsewhere.
  if (lstatSync(out, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw new UserError(`'${out}': expected the folder of a replay, got a link: remove it`);
  const file = join(folder, "trial.yaml");
  const set = [`absent=${JSON.stringify(addAbsent(stored.trial, without, from))}`];
  const prepared = await prepareTrial(file, set, loadAllowedPlugins(options));
  await allowPython([prepared.trial], file, options);
  await checkData(stored, prepared);
  const backend = backendOf(stored);
  const common = { ...runOptions, backend, out, json: false, checkpointEvery: 1 };
  if (!existsSync(out) && info.version === version) {
    await checkRecords(folder);
    const { trial, outside } = prepared;
    const written = withModules(trial, outside);
    const rounds = await forkRun({ source: stored, to: out, trial, written, before: from });
    if (rounds > 0)
      process.stderr.write(
        `took over ${countNoun(rounds, "round")} from the checkpoints of ${folder}\n`,
      );
  }
  const begun = await findRun(out);
  if (begun) await allowRun(out, options); // the folder may have come with the run
  if (begun) await run(join(out, "trial.yaml"), { ...common, set: [], resume: true });
  else await run(file, { ...common, set });
  return out;
}

/** Adds clients to those that a trial leaves out, each from the earliest round that is named. */
function addAbsent(
  { absent = [] }: Pick<Trial, "absent">,
  clients: readonly string[],
  from: number,
): NonNullable<Trial["absent"]> {
  const first = new Map<string, number>();
  for (const entry of [...absent, { clients, from }]) {
    for (const id of entry.clients) first.set(id, Math.min(entry.from, first.get(id) ?? Infinity));
  }
  const rounds = [...new Set(first.values())].sort((a, b) => a - b);
  return rounds.map((round) => ({
    clients: [...first].flatMap(([id, then]) => (then === round ? [id] : [])).sort(),
    from: round,
  }));
}
