import type { Measures } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import type { Measure } from "../measure.js";
import { formatNumber } from "../numbers.js";
import type { Summary } from "../summary.js";
import { formatDifference, listDifferences, type Difference } from "./differences.js";
import { formatPlace, listStudies, methodPath, type Grid, type Study } from "./grid.js";
import { aggregateCell, formatCounts } from "./table.js";

/** Results of a study that are not in its tables. */
export interface Finding {
  /** The study's place in the grid, such as `clair, label-flip`; the main arm of a lone study. */
  readonly place: string;
  /** Sentences, such as `flagged 0 of 12 contaminated clients (0–24 %)`. */
  readonly texts: readonly string[];
}

/**
 * Reports for each study what a single run reports: whom the aggregator flagged in the last round,
 * about whom it is undecided, and which baselines serve the benign clients as well or better.
 * Clients are added up over seeds.
 * @param summaries of finished trials, by id
 */
export function listFindings(grid: Grid, summaries: ReadonlyMap<string, Summary>): Finding[] {
  const differences = listDifferences(grid, summaries);
  return listStudies(grid).flatMap((study): Finding[] => {
    const own = study.trials.flatMap(({ id }) => summaries.get(id) ?? []);
    if (own.length === 0) return [];
    const main = study.trials[0].arms[0]?.label ?? "";
    const place = formatPlace(study.at);
    const ofStudy = differences.filter((one) => one.place === place && one.method === main);
    const texts = [...describeDetection(own), ...describeBaselines(ofStudy, study)];
    return texts.length === 0 ? [] : [{ place: place === "" ? main : place, texts }];
  });
}

function describeDetection(summaries: readonly Summary[]): string[] {
  const find = (metric: string) =>
    summaries.flatMap(({ details }) =>
      details.filter(
        (one) => one.scope === "detection" && one.metric === metric && one.attack === undefined,
      ),
    );
  const recall = aggregateCell(find("recall"))?.counts;
  const alarms = aggregateCell(find("falseAlarms"))?.counts;
  if (!recall && !alarms) return [];
  return [
    [
      recall && `flagged ${formatCounts(recall, " contaminated clients")}`,
      alarms &&
        (recall
          ? formatCounts(alarms, " benign ones")
          : `flagged ${formatCounts(alarms, " benign clients")}`),
    ]
      .filter((text) => text !== undefined)
      .join(" and "),
    ...describeUndecided(find("undecided"), summaries.length),
  ];
}

/** Formats the mean number of undecided clients per run: `undecided about 17 of 20 clients`. */
function describeUndecided(found: readonly Measure[], runs: number): string[] {
  const [first] = found;
  if (!first) return [];
  const undecided = found.reduce((sum, { value }) => sum + value, 0) / runs;
  const judged = mean(found.map(({ n = 0 }) => n));
  const about = Number(undecided.toFixed(1));
  return [`undecided about ${about} of ${formatNumber(judged)} clients${runs > 1 ? " a run" : ""}`];
}

/**
 * Reports the baselines that are as good as the main arm or better, by the primary metric. Oracles
 * know the truth, so they do not count. The metric on data common to all follows, because personal
 * and shared models do not compare on a client's own data.
 * @param differences of the study's main arm
 */
function describeBaselines(differences: readonly Difference[], { trials }: Study): string[] {
  const [{ arms, measures }] = trials;
  const { primary = "", metrics = {} } = measures;
  const common = metrics[primary]?.onSharedData;
  return arms.slice(1).flatMap(({ label, benignOnly }) => {
    const own = differences.filter(({ reference }) => reference === label);
    const main = own.find(({ measure }) => measure === primary || measure === `global.${primary}`);
    if (!main || benignOnly || (main.outcome !== "worse" && main.outcome !== "not distinguishable"))
      return [];
    const shown = [main, ...own.filter(({ measure }) => measure === common)];
    const numbers = shown.map((one) => `${one.measure} ${formatDifference(one)}`).join(", ");
    return main.outcome === "worse"
      ? [`${label} serves them better (${numbers})`]
      : [`${label} serves them as well, as far as the seeds show (${numbers})`];
  });
}

/**
 * Explains which methods have personal models, if others have shared ones. Undefined if all are of
 * one kind.
 */
export function describeModels(
  { trials }: Grid,
  summaries: ReadonlyMap<string, Summary>,
): string | undefined {
  const models = trials.flatMap(({ id, at, arms }) => {
    const { personal = [] } = summaries.get(id) ?? {};
    return arms.map(({ label }, i) => {
      const name = i === 0 ? (at.get(methodPath) ?? label) : label;
      return { name, isPersonal: personal.includes(label) };
    });
  });
  return explainModels(models, trials[0]?.measures ?? {});
}

/** The metrics of a task, as in `Measures`, or in the description of a run. */
interface MetricDescriptions {
  readonly metrics?: Measures["metrics"];
  readonly primary?: string | undefined;
}

/** Explains how personal and shared models compare. Undefined if all are of one kind. */
export function explainModels(
  models: readonly { readonly name: string; readonly isPersonal: boolean }[],
  measures: MetricDescriptions,
): string | undefined {
  const names = (kind: boolean) => [
    ...new Set(models.filter(({ isPersonal }) => isPersonal === kind).map(({ name }) => name)),
  ];
  const [personal, shared] = [names(true), names(false)];
  if (personal.length === 0 || shared.length === 0) return undefined;
  return (
    `personal models, one per client: ${personal.join(", ")}; one shared model: ${shared.join(", ")}; ` +
    describeData(measures)
  );
}

/** Tells on which data personal and shared models can be compared. */
function describeData({ metrics = {}, primary }: MetricDescriptions): string {
  const own = primary ?? Object.keys(metrics)[0] ?? "";
  const common = metrics[own]?.onSharedData;
  return common === undefined
    ? "both are measured on each client's own data"
    : `compare ${own} (each client's own data) and ${common} (data common to all)`;
}
