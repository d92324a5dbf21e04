import { clairAggregator } from "@fedclair/clair";
import { loadRegistry, type AggregatorPlugin, type Plugins } from "@fedclair/core";
import {
  ClientRunner,
  MemoryPool,
  prepareResolvedTrial,
  readTrialSource,
  resolveTrial,
  type PreparedTrial,
} from "@fedclair/core/internal";
import { loadForTab, textsIn } from "@fedclair/plugins/browser";
import { aggregatorLoaders } from "@fedclair/rules/aggregator-loaders";
import {
  describeTrial,
  encodeRound,
  followRound,
  runTrial,
  type RoundProgress,
} from "@fedclair/runs";
import {
  RoundStream,
  RoundsTally,
  RunSummary,
  type RoundsData,
  type RunState,
  type StreamedArmRound,
} from "@fedclair/view/data";

/** What a run in the browser reports, in the terms of the live page and the report. */
export type Report =
  | { readonly kind: "run"; readonly state: RunState }
  | { readonly kind: "activity"; readonly arm: string; readonly progress: RoundProgress }
  /** A round of any arm, and its line of `records.jsonl`. */
  | { readonly kind: "round"; readonly round: StreamedArmRound; readonly line: string }
  /** The rounds of the main arm so far. */
  | { readonly kind: "rounds"; readonly data: RoundsData };

/** The file name that messages about the trial have. */
const file = "playground.yaml";

/**
 * Runs a trial with all its clients here, on the same engine as `--transport memory`.
 * @param text a trial file of the task text-copy
 * @throws UserError if the trial has faults, or its main arm cannot go on
 */
export async function play(
  text: string,
  report: (one: Report) => void,
  { version, backend }: { readonly version: string; readonly backend: string },
): Promise<void> {
  const prepared = await prepare(text);
  const { trial } = prepared;
  const description = await describeTrial(prepared);
  const task = await prepared.loadTask();
  const summary = new RunSummary(trial, description);
  const rounds = new RoundsTally(trial, description);
  const stream = new RoundStream();
  const info = { version, backend, started: new Date().toISOString() };
  const guessing = task.guessing?.();
  const known = { info, hasReport: false, summary: { ...(guessing && { guessing }) } };
  const state = (status: "running" | "done") => {
    report({ kind: "run", state: summary.state("", { ...known, status }, undefined, []) });
  };
  state("running");
  const pool = new MemoryPool(new ClientRunner(prepared));
  await pool.ready();
  let progress: RoundProgress | undefined;
  const never = new AbortController().signal;
  for await (const { arm, event } of runTrial(prepared, pool, never)) {
    progress = followRound(progress, event);
    if (progress) report({ kind: "activity", arm: arm.label, progress });
    if (event.kind !== "round") continue;
    const { record, line } = encodeRound(arm, event);
    summary.add(record);
    summary.addTiming({ arm: arm.label, seconds: event.timing, writeSeconds: 0 });
    rounds.add(record);
    const { labels, spacing } = summary;
    const round = stream.encode(record, labels, spacing, summary.metricOf(record));
    report({ kind: "round", round, line });
    state("running");
    if (arm.label === labels[0]) report({ kind: "rounds", data: rounds.data(trial.name) });
  }
  state("done");
}

/** Prepares a trial of the task text-copy. @throws UserError if it has faults */
export async function prepare(text: string): Promise<PreparedTrial> {
  const source = readTrialSource(text, file);
  const texts = textsIn(source.yaml.content);
  const forClients = await loadForTab("text-copy", source.yaml.content);
  if (!forClients) throw new Error("there is no task text-copy");
  const rules = await loadRegistry<AggregatorPlugin>(aggregatorLoaders, (name) => texts.has(name));
  const all = new Map([[clairAggregator.name, clairAggregator], ...rules]);
  const plugins: Plugins = { ...forClients, aggregators: all };
  const trial = resolveTrial(source, plugins);
  return prepareResolvedTrial(trial, plugins, file);
}
