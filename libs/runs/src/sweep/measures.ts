import type { Measures } from "@fedclair/core";
import { ownProperty, type Measure } from "../measures/measure.js";
import type { Summary } from "../measures/summary.js";
import {
  listSummaries,
  type GridArm,
  type MeasuredGrid,
  type MeasuredTrial,
  type SweepMeasure,
} from "./grid.js";

/**
 * Finds a measure in the summary of a trial. A name without an arm is that of the main arm.
 * @param name such as `accuracy.fedavg`, `accuracy` or `global.accuracy`
 */
export function findMeasure(
  summary: Pick<Summary, "details"> | undefined,
  name: string,
  { arms }: { readonly arms: readonly Pick<GridArm, "label">[] },
): Measure | undefined {
  if (!summary) return undefined;
  const ofMain = `${name}.${arms[0]?.label ?? ""}`;
  const find = (one: string) => summary.details.find((detail) => detail.name === one);
  return find(name) ?? find(ofMain);
}

/** Finds a measure of a trial like `findMeasure`. */
export function measureOf(trial: MeasuredTrial, name: string): Measure | undefined {
  return findMeasure(trial.summary, name, trial);
}

/** Names a measure of the main arm without its label, so that `findMeasure` finds it in any run. */
export function nameForMain(
  { name, scope, metric, arm, comparison }: Measure,
  mainLabel: string | undefined,
): string {
  const isOfMain = arm === mainLabel && comparison === undefined;
  if (scope === "clients" && isOfMain) return metric;
  return scope === "global" && isOfMain ? `global.${metric}` : name;
}

/**
 * Keeps the measures of metrics that the task describes, because aggregators report internals too.
 * If it describes none of them, all are kept.
 */
export function describedOnly(
  measures: readonly Measure[],
  { metrics = {} }: Measures,
): readonly Measure[] {
  const described = measures.filter(({ metric }) => Object.hasOwn(metrics, metric));
  return described.length > 0 ? described : measures;
}

/**
 * Lists the measures of the tables. Where personal and shared models stand side by side, a metric
 * on the clients' own data is followed by the same on data that all clients share.
 */
export function listTableMeasures({ measures, trials }: MeasuredGrid): readonly SweepMeasure[] {
  const listed = measures.length > 0 ? measures : listDefaultMeasures(trials);
  const names = new Set(listed.map(({ measure }) => measure));
  if (!mixesModels(trials, listed)) return listed;
  return listed.flatMap((one) => {
    const counterpart = nameCounterpart(trials, one.measure);
    if (counterpart === undefined || names.has(counterpart)) return [one];
    names.add(counterpart);
    return [one, { measure: counterpart }];
  });
}

function listDefaultMeasures(trials: readonly MeasuredTrial[]): SweepMeasure[] {
  const all = listSummaries(trials).flatMap(({ details }) => details);
  const primary = trials[0]?.measures.primary;
  const some = all.find(
    ({ scope, metric }) =>
      (scope === "clients" || scope === "global") && (primary === undefined || metric === primary),
  );
  const prefix = some?.scope === "global" ? "global." : "";
  const detection = ["detection.recall", "detection.falseAlarms"].filter((name) =>
    all.some((one) => one.name === name),
  );
  return [...(some ? [prefix + some.metric] : []), ...detection].map((measure) => ({ measure }));
}

/** Names the measure on shared data that belongs to one on the clients' own data. */
function nameCounterpart(trials: readonly MeasuredTrial[], name: string): string | undefined {
  for (const trial of trials) {
    const { summary } = trial;
    const found = measureOf(trial, name);
    if (found?.scope !== "clients") continue;
    const metric = ownProperty(trial.measures.metrics ?? {}, found.metric)?.onSharedData;
    const counterpart = summary?.details.find(
      (one) =>
        one.scope === "clients" &&
        one.metric === metric &&
        one.arm === found.arm &&
        one.comparison?.kind === found.comparison?.kind &&
        one.comparison?.arm === found.comparison?.arm,
    );
    if (counterpart) return found.name === name ? counterpart.name : counterpart.metric;
  }
  return undefined;
}

/** Do the measures compare personal models with shared ones? */
function mixesModels(trials: readonly MeasuredTrial[], measures: readonly SweepMeasure[]): boolean {
  const kinds = trials.flatMap((trial) => {
    const { summary } = trial;
    return measures
      .flatMap(({ measure }) => measureOf(trial, measure) ?? [])
      .filter(({ scope }) => scope === "clients")
      .flatMap(({ arm, comparison }) => [arm ?? [], comparison?.arm ?? []].flat())
      .map((arm) => summary?.personal?.includes(arm) ?? false);
  });
  return new Set(kinds).size > 1;
}
