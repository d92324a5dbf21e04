import { readFile, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { parseYaml } from "@fedclair/core/internal";
import { countNoun, readOptionFile } from "@fedclair/runs";
import { z } from "zod";
import { rejectExisting } from "../adapters/reject-existing.js";
import type { MeasureOptions } from "../refine/measure-losses.js";
import {
  chooseAggregator,
  type AggregatorRequest,
  type ChosenAggregator,
} from "./choose-aggregator.js";
import { handOut } from "./hand-out-adapters.js";
import { readRound } from "./read-round.js";
import { createRoundReport, type RoundReport } from "./round-report.js";
import { noticeOwner, selectPooled } from "./owner-notice.js";
import { noticeRefining } from "./refining-notice.js";
import { runServerStep } from "./run-step.js";
import { prepareState, readFolderState, withStateLock, type Rules } from "./state-folder.js";
import { beginFolder, endFolder } from "./atomic-folder.js";

/** How to aggregate the adapters of a round, and where to write the new ones. */
export interface RoundOptions extends AggregatorRequest {
  /** New folder for the new adapters and the verdicts. */
  readonly out: string;
  /** Folder with the state between rounds, which the first round creates. */
  readonly state?: string;
  /** A file with the number of examples of each client; default: 1 each. */
  readonly examples?: string;
  /** Rank of the adapters to write; default: the clients' own ranks. */
  readonly rank?: number;
  /** True if adapters are merged into the base after every round; default: false. */
  readonly merged?: boolean;
  /** Seed of the aggregator's random numbers; default: 1. */
  readonly seed?: number;
  /** Chooses which version of its adapter each client gets; see `fedclair aggregate --evaluate`. */
  readonly evaluate?: Pick<MeasureOptions, "command" | "timeoutSeconds" | "jobs"> | undefined;
  /** Stops the round when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with lines that report progress. */
  readonly log?: (line: string) => void;
}

/**
 * Runs one round's server step, whichever framework has trained the adapters. Reads one PEFT folder
 * per client and aggregates the changes as a trial would (the phase is `train`). Writes the new
 * adapters for the clients and saves the aggregator's state.
 *
 * If the process is killed at any time, running the same round again has the same result as an
 * undisturbed one. All files are first written to temporary folders. Then `out` and finally the
 * state are moved into place, each with a single rename.
 * @param folder has one subfolder per client
 */
export async function aggregateRound(folder: string, options: RoundOptions): Promise<RoundReport> {
  const { out, state, merged = false, seed = 1 } = options;
  const chosen = await chooseAggregator(options, options.evaluate ? "personal" : "global");
  rejectInside(folder, { "--out": out, "--state": state });
  const rules: Rules = { aggregator: chosen.choice, seed, merged, code: chosen.code };
  return await withStateLock(state, () => runRound(folder, options, chosen, rules));
}

async function runRound(
  folder: string,
  options: RoundOptions,
  chosen: ChosenAggregator,
  rules: Rules,
): Promise<RoundReport> {
  const { out, state, rank, signal = new AbortController().signal, log } = options;
  const { choice } = chosen;
  const before = await readFolderState(state, rules);
  if (!before.isPrepared) await rejectExisting("--out", [out]);
  const begun = rules.merged ? undefined : before.handedOut;
  const sent = await readRound(folder, begun, readExamples(options.examples));
  const { fingerprint } = sent;
  if (fingerprint === before.fingerprint) {
    const { round = 0 } = before.step ?? {};
    throw new UserError(
      `'${folder}' holds the adapters of round ${round}, which '${state ?? ""}' has done already: give those of round ${round + 1}`,
    );
  }
  const { updates } = sent;
  const onStart = () => log?.(`${choice.name} on ${countNoun(updates.length, "adapter")} …`);
  const { seed } = rules;
  const step = await runServerStep(chosen, updates, { seed, before: before.step, signal, onStart });
  const { aggregation } = step;
  if (options.evaluate && aggregation.refined === undefined) {
    throw new UserError(
      `--evaluate: ${choice.name} refines no client here; expected --aggregator clair, without models=global`,
    );
  }

  const part = await beginFolder(out, ["global", "personal", verdictsFile, reportFile]);
  const pooled = new Set(selectPooled(updates, aggregation).map(({ clientId }) => clientId));
  const onProgress = (done: number, all: number) => {
    if (done === 0) log?.(`measuring ${countNoun(all, "candidate")} …`);
  };
  const evaluate = options.evaluate && { ...options.evaluate, signal, onProgress };
  const handed = await handOut(part, sent, aggregation, { pooled, rank, evaluate });
  const { round } = step.state;
  const notices = evaluate ? [noticeOwner] : [noticeRefining, noticeOwner];
  const said = notices.flatMap((say) => say(updates, aggregation) ?? []);
  const report = createRoundReport({ round, choice, sent, aggregation, handed, said });
  await writeFile(join(part, verdictsFile), JSON.stringify(report, null, 2) + "\n");
  const { writeRoundPage } = await import("./round-page.js");
  await writeRoundPage(join(part, reportFile), report, out);
  const after = { step: step.state, fingerprint };
  const putState = state && (await prepareState(state, rules, before, after, part));
  signal.throwIfAborted(); // from here on the round is completed
  if (await isSameRound(part, out)) await rm(part, { recursive: true });
  else {
    await rejectExisting("--out", [out]);
    await endFolder(out);
  }
  if (putState) await putState();
  return report;
}

const verdictsFile = "verdicts.json";
const reportFile = "report.html";

/**
 * Is `out` the same result of an attempt that was killed before its state was in place?
 */
async function isSameRound(part: string, out: string): Promise<boolean> {
  const [now, then] = [part, out].map((folder) =>
    readFile(join(folder, verdictsFile), "utf8").catch(() => undefined),
  );
  return (await then) !== undefined && (await then) === (await now);
}

/**
 * @throws UserError if a folder is inside the round's folder, where it would be read as a client
 */
function rejectInside(round: string, folders: Readonly<Record<string, string | undefined>>): void {
  for (const [option, folder] of Object.entries(folders)) {
    if (folder === undefined) continue;
    const way = relative(resolve(round), resolve(folder));
    if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) continue;
    throw new UserError(
      `${option}: '${folder}' lies in the folder of the round, '${round}', where every folder is a client: choose another`,
    );
  }
}

const examplesSchema = z.record(z.string(), z.int().min(1));

function readExamples(file: string | undefined): Map<string, number> | undefined {
  if (file === undefined) return undefined;
  const text = readOptionFile("--examples", file);
  const source = { text, file, what: "numbers of examples by client", overrides: [] };
  return new Map(Object.entries(parseYaml(source).check(examplesSchema)));
}
