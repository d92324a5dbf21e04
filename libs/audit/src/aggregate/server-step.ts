import { readFile, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { UserError, type Aggregator, type AggregatorInput } from "@fedclair/core";
import { createPlugin, parseYaml, type PluginChoice } from "@fedclair/core/internal";
import { aggregators } from "@fedclair/plugins";
import { stream } from "@fedclair/linalg";
import { countNoun, interruption, readOptionFile, whenAborted } from "@fedclair/runs";
import { z } from "zod";
import { rejectExisting } from "../adapters/reject-existing.js";
import { auditDefaults } from "../compare/options.js";
import { addCopies, findCopies } from "./copies.js";
import { handOut } from "./hand-out.js";
import { parseChoice, runAggregator } from "./run-aggregator.js";
import { readRound } from "./read-round.js";
import { createRoundReport, type RoundReport } from "./round-report.js";
import type { OutsideAggregator } from "./outside-aggregators.js";
import { withStateLock, prepareState, readServerState, type Rules } from "./server-state.js";
import { beginFolder, endFolder } from "./whole-folder.js";

export interface ServerStepOptions {
  readonly aggregator: string;
  /** Options of the aggregator as `option=value`. */
  readonly set: readonly string[];
  readonly out: string;
  readonly state?: string;
  /** A file with the number of examples of each client. */
  readonly examples?: string;
  /** Rank of the adapters to write; default: the clients' own ranks. */
  readonly rank?: number;
  /** True if adapters are merged into the base after every round. */
  readonly merged: boolean;
  readonly seed: number;
  /** Modules with external aggregators. */
  readonly plugins: readonly string[];
}

/**
 * Runs one round's server step, whichever framework has trained the adapters. Reads one PEFT folder
 * per client and aggregates the changes as a trial would (the phase is `train`). Writes the new
 * adapters for the clients and saves the aggregator's state.
 *
 * If the process is killed at any time, running the same step again has the
 * same result as an undisturbed step. All files are first written to temporary folders. Then `out`
 * and finally the state are moved into place, each with a single rename.
 * @param tell reports progress
 */
export async function runServerStep(
  folder: string,
  options: ServerStepOptions,
  tell: (line: string) => void,
): Promise<RoundReport> {
  const { out, state, merged, seed } = options;
  const added = await loadAddedAggregators(options.plugins);
  const registry = new Map(aggregators);
  for (const [name, { plugin }] of added) registry.set(name, plugin);
  const defaults = options.aggregator === "clair" ? auditDefaults : "";
  const choice = parseChoice({ ...options, defaults }, registry);
  const aggregator = createPlugin(registry, choice);
  rejectInside(folder, { "--out": out, "--state": state });
  const rules: Rules = { aggregator: choice, seed, merged, code: added.get(choice.name)?.code };
  const step: ServerStep = { folder, options, choice, aggregator, rules };
  return await withStateLock(state, () => runNextRound(step, tell));
}

interface ServerStep {
  readonly folder: string;
  readonly options: ServerStepOptions;
  readonly choice: PluginChoice;
  readonly aggregator: Aggregator;
  readonly rules: Rules;
}

async function runNextRound(step: ServerStep, tell: (line: string) => void): Promise<RoundReport> {
  const { folder, options, choice, aggregator, rules } = step;
  const { out, state, merged, seed } = options;
  const before = await readServerState(state, rules);
  if (!before.isPrepared) await rejectExisting("--out", [out]);
  const round = before.round + 1;
  const begun = merged ? undefined : before.handedOut;
  const sent = await readRound(folder, begun, readExamples(options.examples));
  if (sent.fingerprint === before.fingerprint) {
    throw new UserError(
      `'${folder}' holds the adapters of round ${before.round}, which '${state ?? ""}' has done already: give those of round ${round}`,
    );
  }
  // CLAIR would judge copies to be colluders, and the client that they copy to be one of them.
  const copies = choice.name === "clair" ? findCopies(sent.updates) : new Map<string, string>();
  const updates = sent.updates.filter(({ clientId }) => !copies.has(clientId));
  const ids = updates.map(({ clientId }) => clientId);
  aggregator.checkClients?.(ids, ids.length);

  const rng = stream(seed).at("aggregate", "train", round);
  const input: AggregatorInput = { round, phase: "train", updates, rng };
  tell(`${choice.name} on ${countNoun(updates.length, "adapter")} …`);
  const computing = runAggregator(choice.name, aggregator, input, before.aggregator);
  const distinct = await Promise.race([computing, whenAborted(interruption.signal)]);
  const aggregation = addCopies(distinct, copies);

  const part = await beginFolder(out, ["global", "personal", verdictsFile, reportFile]);
  const handed = await handOut(part, sent, aggregation, options.rank);
  const report = createRoundReport({ round, choice, sent, copies, aggregation, handed });
  await writeFile(join(part, verdictsFile), JSON.stringify(report, null, 2) + "\n");
  const { writeRoundPage } = await import("./round-page.js");
  await writeRoundPage(join(part, reportFile), report, out);
  const { fingerprint } = sent;
  const after = { round, fingerprint, aggregator: aggregation.state ?? before.aggregator };
  const putState = state && (await prepareState(state, rules, before, after, part));
  interruption.signal.throwIfAborted(); // from here on the step is completed
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
 * Is `out` the identical result of an earlier step that was killed before its state was in place?
 */
async function isSameRound(part: string, out: string): Promise<boolean> {
  const [now, then] = [part, out].map((folder) =>
    readFile(join(folder, verdictsFile), "utf8").catch(() => undefined),
  );
  return (await then) !== undefined && (await then) === (await now);
}

/** Loads external aggregators by name. */
async function loadAddedAggregators(
  modules: readonly string[],
): Promise<ReadonlyMap<string, OutsideAggregator>> {
  if (modules.length === 0) return new Map(); // the loader also imports every task
  const { loadOutsideAggregators: outsideAggregators } = await import("./outside-aggregators.js");
  return await outsideAggregators(modules);
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
