import type { Measures } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import type { Measure } from "../measures/measure.js";
import { listNextSteps } from "../measures/next-steps.js";
import { formatNumber } from "../words/numbers.js";
import type { Summary } from "../measures/summary.js";
import { formatDifference, type Difference } from "./differences.js";
import {
  formatPlace,
  listStudies,
  listSummaries,
  methodPath,
  studyPath,
  type MeasuredGrid,
  type Study,
} from "./grid.js";
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
 * about whom it is undecided, which attacks never reached it, and which baselines serve the benign
 * clients as well or better. Clients are added up over seeds.
 * @param differences of the sweep
 */
export function listFindings(grid: MeasuredGrid, differences: readonly Difference[]): Finding[] {
  return listStudies(grid).flatMap((study): Finding[] => {
    const own = listSummaries(study.trials);
    if (own.length === 0) return [];
    const texts = [
      ...describeDetection(own),
      ...describeFailedAttacks(own),
      ...describeBaselines(study, differences),
      ...listNextSteps(own, study.trials[0]),
    ];
    return texts.length === 0 ? [] : [{ place: nameStudy(study), texts }];
  });
}

/** Names a study by its place in the grid, or by its main arm if it is the only one. */
export function nameStudy({ at, trials }: Study): string {
  return formatPlace(at) || (trials[0].arms[0]?.label ?? "");
}

/** Finds a measure of detection in each run of a study that has it. */
export function findDetection(summaries: readonly Summary[], metric: string): Measure[] {
  return summaries.flatMap(({ details }) =>
    details.filter(
      (one) => one.scope === "detection" && one.metric === metric && one.attack === undefined,
    ),
  );
}

function describeDetection(summaries: readonly Summary[]): string[] {
  const recall = aggregateCell(findDetection(summaries, "recall"))?.counts;
  const alarms = aggregateCell(findDetection(summaries, "falseAlarms"))?.counts;
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
    ...describeUndecided(summaries).map((text) => `undecided about ${text}`),
  ];
}

/** Names the attacks whose clients all failed, with the first failure of each. */
function describeFailedAttacks(summaries: readonly Summary[]): string[] {
  const failed = new Map<string, { runs: number; why: string }>();
  for (const { failedAttacks = {} } of summaries) {
    for (const [attack, why] of Object.entries(failedAttacks)) {
      const { runs = 0, why: first = why } = failed.get(attack) ?? {};
      failed.set(attack, { runs: runs + 1, why: first });
    }
  }
  return [...failed].map(([attack, { runs, why }]) => {
    const where = summaries.length > 1 ? ` in ${runs} of ${summaries.length} runs` : "";
    return `no client of ${attack} sent a usable update${where} (${why})`;
  });
}

/** Counts the undecided clients of runs; empty if there are none. */
function describeUndecided(summaries: readonly Summary[]): string[] {
  const found = findDetection(summaries, "undecided");
  const count = found.reduce((sum, { value }) => sum + value, 0) / summaries.length;
  if (count === 0) return [];
  const judged = mean(found.map(({ n = 0 }) => n));
  const noun = summaries.length > 1 ? "clients a run" : "clients";
  return [`${Number(count.toFixed(1))} of ${formatNumber(judged)} ${noun}`];
}

/** A comparison of the main arm of a study with a baseline. */
interface BaselineComparison {
  readonly label: string;
  /** The difference in the primary metric. */
  readonly main: Difference;
  /** That in the same metric on data common to all clients, where the task has one. */
  readonly common: readonly Difference[];
}

/**
 * Compares the main arm of a study with its baselines. Oracles know the truth, so they do not
 * count. The metric on data common to all follows, because personal and shared models do not
 * compare on a client's own data.
 * @param differences of all studies
 */
export function compareBaselines(
  { at, trials }: Study,
  differences: readonly Difference[],
): BaselineComparison[] {
  const [{ arms, measures }] = trials;
  const { primary = "", metrics = {} } = measures;
  const shared = metrics[primary]?.onSharedData;
  const place = formatPlace(at);
  const ofStudy = differences.filter((one) => one.place === place && one.method === arms[0]?.label);
  return arms.slice(1).flatMap(({ label, benignOnly }) => {
    const own = ofStudy.filter(({ reference }) => reference === label);
    const main = own.find(({ measure }) => measure === primary || measure === `global.${primary}`);
    if (!main || benignOnly) return [];
    return [{ label, main, common: own.filter(({ measure }) => measure === shared) }];
  });
}

/** Reports the baselines that are as good as the main arm or better. */
function describeBaselines(study: Study, differences: readonly Difference[]): string[] {
  return compareBaselines(study, differences).flatMap((comparison) => {
    const { label, main, common } = comparison;
    const words = servesWords[judgeBaseline(comparison)];
    if (words === undefined) return [];
    const numbers = [main, ...common]
      .map((one) => `${one.measure} ${formatDifference(one)}`)
      .join(", ");
    return [`${label} serves them ${words} (${numbers})`];
  });
}

const servesWords = {
  worse: undefined,
  better: "better",
  alike: "as well, as far as the seeds show",
  mixed: "better by one measure and worse by another",
};

/** How a baseline serves the clients compared with the main arm, by all measures of both. */
export function judgeBaseline({ main, common }: BaselineComparison): keyof typeof servesWords {
  const outcomes = [main, ...common].map(({ outcome }) => outcome);
  const isBetter = outcomes.includes("worse");
  const isWorse = outcomes.includes("better");
  if (isBetter) return isWorse ? "mixed" : "better";
  return isWorse || !outcomes.includes("not distinguishable") ? "worse" : "alike";
}

/**
 * Explains which methods have personal models, if others have shared ones. Undefined if all are of
 * one kind.
 */
export function describeModels({ trials }: MeasuredGrid): string | undefined {
  const models = trials.flatMap(({ summary, at, arms }) => {
    if (!summary) return []; // nothing says which models a run without numbers has
    const { personal = [] } = summary;
    return arms.map(({ label }, i) => {
      const name = i === 0 ? (at.get(methodPath) ?? at.get(studyPath) ?? label) : label;
      return { name, isPersonal: personal.includes(label) };
    });
  });
  const names = (kind: boolean) => [
    ...new Set(models.filter(({ isPersonal }) => isPersonal === kind).map(({ name }) => name)),
  ];
  const [personal, shared] = [names(true), names(false)];
  if (personal.length === 0 || shared.length === 0) return undefined;
  return (
    `personal models, one per client: ${personal.join(", ")}; one shared model: ${shared.join(", ")}; ` +
    describeData(trials[0]?.measures ?? {})
  );
}

/** Tells on which data personal and shared models can be compared. */
function describeData({ metrics = {}, primary }: Measures): string {
  const own = primary ?? Object.keys(metrics)[0] ?? "";
  const common = metrics[own]?.onSharedData;
  return common === undefined
    ? "both are measured on each client's own data"
    : `compare ${own} (each client's own data) and ${common} (data common to all)`;
}
