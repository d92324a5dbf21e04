import {
  candidateMeanings,
  listArms,
  type CandidateKind,
  type Trial,
} from "@fedclair/core/internal";
import {
  countsOf,
  detectionInfos,
  formatShare,
  isInRange,
  measuringClients,
  ownProperty,
  wilsonInterval,
  type Measure,
  type MetricInfos,
  type Summary,
} from "@fedclair/runs";
import { groupBy } from "../figures/group-by.js";

type Expectation = NonNullable<Trial["expect"]>["measures"][string];

/** One measure of a run, with the range that the trial file expects. */
export interface MeasureRow {
  readonly name: string;
  /** Undefined if the measure was expected but could not be taken. */
  readonly value: number | undefined;
  readonly n: number | undefined;
  readonly meaning: string;
  readonly expected: Expectation | undefined;
  /** Undefined without an expectation, or if it is about several seeds. */
  readonly asExpected: boolean | undefined;
}

/** The measures of a summary, grouped; expected measures that the run does not have come last. */
export function measureRows(trial: Trial, summary: Summary, infos: MetricInfos): MeasureRow[] {
  const expected = trial.expect?.measures ?? {};
  const compare = (name: string, value: number | undefined) => {
    const range = ownProperty(expected, name);
    const isForEvery = range && (range.of ?? "every") === "every";
    return { expected: range, asExpected: isForEvery ? isInRange(value, range) : undefined };
  };
  const rows = groupBy(summary.details, (measure) => [groupOf(measure)])
    .flat()
    .map((measure): MeasureRow => {
      const { name, value, n } = measure;
      const meaning = formatMeaning(measure, trial, infos, measuringClients(summary));
      return { name, value, n, meaning, ...compare(name, value) };
    });
  const missing = Object.keys(expected)
    .filter((name) => ownProperty(summary.measures, name) === undefined)
    .map((name): MeasureRow => {
      const meaning = "expected, but the run has no such measure";
      return { name, value: undefined, n: undefined, meaning, ...compare(name, undefined) };
    });
  return [...rows, ...missing];
}

/** Metrics of clients and of the coordinator have a group each, and other measures one a scope. */
function groupOf({ scope, metric }: Measure): string {
  return scope === "clients" || scope === "global" ? `${scope} ${metric}` : scope;
}

function formatTarget({ target }: Trial): string {
  return target ? `${target.metric} ${target.value}` : "the target";
}

function formatMeaning(
  measure: Measure,
  trial: Trial,
  infos: MetricInfos,
  clientsText: string,
): string {
  const better = measure.better && `${measure.better} is better`;
  return [...listClauses(measure, trial, infos, clientsText), better].filter(Boolean).join("; ");
}

/** Formats the interval of a share of clients; undefined for other measures. */
function formatWilson(measure: Measure): string | undefined {
  const counts = countsOf(measure);
  if (!counts || counts.of === 0) return undefined;
  const { low, high } = wilsonInterval(counts.hits, counts.of);
  return `95 % Wilson interval of the share ${formatShare(low, high)}`;
}

function listClauses(
  measure: Measure,
  trial: Trial,
  infos: MetricInfos,
  clientsText: string,
): (string | undefined)[] {
  const { scope, metric, arm = listArms(trial)[0].label, comparison, attack, mod } = measure;
  const subject = comparison
    ? `${arm} ${comparison.kind === "gainOver" ? "minus" : "divided by"} ${comparison.arm}`
    : arm;
  const described = ownProperty(infos, metric)?.description;
  switch (scope) {
    case "clients":
      return [subject, `mean over the ${clientsText} on their own data, last round`, described];
    case "global":
      return [
        subject,
        `measured at the coordinator, by the task ${trial.task.name} or the aggregator, last round`,
        described,
      ];
    case "detection":
      return attack === undefined
        ? [ownProperty(detectionInfos, metric)?.description, formatWilson(measure)]
        : [`share of the clients under ${attack} that were flagged, all rounds together`];
    case "bytes":
      return [`bytes ${metric === "up" ? "from" : "to"} the clients of ${arm}, all rounds`];
    case "lost":
      return [
        metric === "lost"
          ? `${arm}: client rounds without an answer`
          : `${arm}: how many of these were of contaminated clients`,
      ];
    case "time":
      return [`${arm}: simulated time of all rounds`];
    case "target":
      return [
        `${arm}: ${metric === "rounds" ? "rounds" : "simulated time"} to ${formatTarget(trial)}, reached first`,
      ];
    case "refinement":
      return [
        `${arm}: choices of ${candidateMeanings[metric as CandidateKind]} by ${clientsText} on held-back data, all rounds`,
      ];
    case "mods":
      return [`${arm}: the largest that ${mod ?? ""} reported for ${clientsText}, all rounds`];
  }
}
