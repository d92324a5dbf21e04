import { readFile, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import {
  UserError,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type AggregatorPlugin,
  type Registry,
} from "@fedclair/core";
import {
  checkAggregation,
  checkVerdicts,
  choiceSchema,
  createPlugin,
  exitCodes,
  errorMessage,
  oneLine,
  parseYaml,
  type PluginChoice,
} from "@fedclair/core/internal";
import { aggregators } from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { countNoun, interruption, print } from "@fedclair/runs";
import { z } from "zod";
import { refuseTaken } from "../adapters/refuse-taken.js";
import { whenAborted } from "../when-aborted.js";
import { handOut } from "./hand-out.js";
import { readRound } from "./read-round.js";
import { roundReport, roundText, type RoundReport } from "./round-report.js";
import type { OutsideAggregator } from "./outside-aggregators.js";
import { holdingState, prepareState, stateIn, type Rules } from "./server-state.js";
import { beginFolder, endFolder } from "./whole-folder.js";

export interface AggregateOptions {
  readonly aggregator: string;
  /** `option=value` of the aggregator. */
  readonly set: readonly string[];
  readonly out: string;
  readonly state?: string;
  /** A file with the number of examples by client. */
  readonly examples?: string;
  /** Of the adapters written; the clients' own by default. */
  readonly rank?: number;
  /** Are adapters merged into the base after every round? */
  readonly merged: boolean;
  readonly seed: number;
  /** Modules of aggregators from outside. */
  readonly plugins: readonly string[];
  readonly json: boolean;
}

/**
 * `fedclair aggregate`: one round's server step for whatever framework trained the adapters. Reads a PEFT folder a client, aggregates
 * their changes as a trial would (the phase is `train`), writes adapters to hand out, and keeps what the aggregator remembers.
 */
export async function aggregate(folder: string, options: AggregateOptions): Promise<void> {
  const report = await serverStep(folder, options, (line) => process.stderr.write(`${line}\n`));
  print(options.json ? JSON.stringify(report) + "\n" : roundText(report, options.out));
}

/**
 * Whenever it is killed, the same step again leaves what it would have left undisturbed: all is written aside first, and
 * what is then moved into place, `out` and at last the state, is moved whole.
 * @param tell told what it is about to do
 */
export async function serverStep(
  folder: string,
  options: AggregateOptions,
  tell: (line: string) => void,
): Promise<RoundReport> {
  const { out, state, merged, seed } = options;
  const added = await addedAggregators(options.plugins);
  const known = new Map(aggregators);
  for (const [name, { plugin }] of added) known.set(name, plugin);
  const choice = choiceFrom(options, known);
  const aggregator = createPlugin(known, choice);
  refuseInside(folder, { "--out": out, "--state": state });
  const rules: Rules = { aggregator: choice, seed, merged, code: added.get(choice.name)?.code };
  const step: ServerStep = { folder, options, choice, aggregator, rules };
  return await holdingState(state, () => nextRound(step, tell));
}

interface ServerStep {
  readonly folder: string;
  readonly options: AggregateOptions;
  readonly choice: PluginChoice;
  readonly aggregator: Aggregator;
  readonly rules: Rules;
}

/** @throws whatever the aggregator throws, or UserError (exit code 6) if what it returns is no aggregation */
async function aggregated(
  aggregator: Aggregator,
  input: AggregatorInput,
  state: unknown,
): Promise<Aggregation> {
  const ids = input.updates.map(({ clientId }) => clientId);
  const made: unknown = await aggregator.aggregate(input, state);
  try {
    checkAggregation(made, ids);
    checkVerdicts(made.verdicts ?? [], ids);
  } catch (error) {
    throw new UserError(errorMessage(error), exitCodes.stopped);
  }
  return made;
}

async function nextRound(
  { folder, options, choice, aggregator, rules }: ServerStep,
  tell: (line: string) => void,
): Promise<RoundReport> {
  const { out, state, merged, seed } = options;
  const before = await stateIn(state, rules);
  if (!before.isPrepared) await refuseTaken("--out", [out]);
  const round = before.round + 1;
  const begun = merged ? undefined : before.handedOut;
  const sent = await readRound(folder, begun, await examplesIn(options.examples));
  if (sent.fingerprint === before.fingerprint) {
    throw new UserError(
      `'${folder}' holds the adapters of round ${before.round}, which '${state ?? ""}' has done already: give those of round ${round}`,
    );
  }
  aggregator.checkClients?.(sent.updates.map(({ clientId }) => clientId));

  const rng = stream(seed).at("aggregate", "train", round);
  const input: AggregatorInput = { round, phase: "train", updates: sent.updates, rng };
  tell(`${choice.name} on ${countNoun(sent.updates.length, "adapter")} …`);
  const computing = aggregated(aggregator, input, before.aggregator).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(`${choice.name} failed: ${errorMessage(error)}`, exitCodes.stopped);
  });
  const aggregation = await Promise.race([computing, whenAborted(interruption.signal)]);

  const part = await beginFolder(out, ["global", "personal", verdictsFile, reportFile]);
  const handed = await handOut(part, sent, aggregation, options.rank);
  const report = roundReport({ round, choice, sent, aggregation, handed });
  await writeFile(join(part, verdictsFile), JSON.stringify(report, null, 2) + "\n");
  const { writeRoundPage } = await import("./round-page.js");
  await writeRoundPage(join(part, reportFile), report, out);
  const { fingerprint } = sent;
  const after = { round, fingerprint, aggregator: aggregation.state ?? before.aggregator };
  const putState = state && (await prepareState(state, rules, before, after, part));
  interruption.signal.throwIfAborted(); // from here on it is done
  if (await isSameRound(part, out)) await rm(part, { recursive: true });
  else {
    await refuseTaken("--out", [out]);
    await endFolder(out);
  }
  if (putState) await putState();
  return report;
}

const verdictsFile = "verdicts.json";
const reportFile = "report.html";

/** Did a step that was killed before its state was in place leave the same there? */
async function isSameRound(part: string, out: string): Promise<boolean> {
  const [now, then] = [part, out].map((folder) =>
    readFile(join(folder, verdictsFile), "utf8").catch(() => undefined),
  );
  return (await then) !== undefined && (await then) === (await now);
}

/** Those of modules from outside, by name. */
async function addedAggregators(
  modules: readonly string[],
): Promise<ReadonlyMap<string, OutsideAggregator>> {
  if (modules.length === 0) return new Map(); // to load them loads every task
  const { outsideAggregators } = await import("./outside-aggregators.js");
  return await outsideAggregators(modules);
}

/** What lies in the folder of a round would be taken for clients. */
function refuseInside(round: string, folders: Readonly<Record<string, string | undefined>>): void {
  for (const [option, folder] of Object.entries(folders)) {
    if (folder === undefined) continue;
    const way = relative(resolve(round), resolve(folder));
    if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) continue;
    throw new UserError(
      `${option}: '${folder}' lies in the folder of the round, '${round}', where every folder is a client: choose another`,
    );
  }
}

/** @throws UserError for an aggregator that is none, or an option that it does not take */
function choiceFrom(
  { aggregator, set }: AggregateOptions,
  known: Registry<AggregatorPlugin>,
): PluginChoice {
  const source = {
    ...{ text: JSON.stringify({ aggregator: { name: aggregator } }), file: "--aggregator" },
    ...{ hasLines: false },
    ...{ what: "options", overrides: set.map((one) => `aggregator.${one}`) },
  };
  const schema = z.strictObject({ aggregator: choiceSchema(known, "aggregator") });
  const yaml = parseYaml(source);
  const data = yaml.check(schema);
  // As in an audit: what tells among adapters of real models.
  const isPlain = aggregator === "clair" && !yaml.isOverridden(["aggregator", "rule"]);
  return isPlain ? { ...data.aggregator, rule: "evidence" } : data.aggregator;
}

const examplesSchema = z.record(z.string(), z.int().min(1));

async function examplesIn(file: string | undefined): Promise<Map<string, number> | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`--examples: cannot read '${oneLine(file)}'`);
  });
  const source = { text, file, what: "numbers of examples by client", overrides: [] };
  return new Map(Object.entries(parseYaml(source).check(examplesSchema)));
}
