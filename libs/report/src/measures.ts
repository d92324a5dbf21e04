import type { Trial } from "@fedclair/core/internal";
import { listArms } from "@fedclair/core/internal";
import {
  detectionInfos,
  isWithin,
  measuringClients,
  ownProperty,
  type Measure,
  type MetricInfos,
  type Summary,
} from "@fedclair/runs";

/** One measure of a run, with what the trial file expects of it. */
export interface MeasureRow {
  readonly group: string;
  readonly name: string;
  /** Absent: expected, but the run could not measure it. */
  readonly value: number | undefined;
  readonly n: number | undefined;
  readonly meaning: string;
  readonly expected:
    { readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
  /** Absent without an expectation. */
  readonly asExpected: boolean | undefined;
}

/** The measures of a summary, grouped, and last those that the trial expects in vain. */
export function measureRows(trial: Trial, summary: Summary, infos: MetricInfos): MeasureRow[] {
  const expected = trial.expect?.measures ?? {};
  const held = (name: string, value: number | undefined) => {
    const range = ownProperty(expected, name);
    return { expected: range, asExpected: range && isWithin(value, range) };
  };
  const groups = new Map<string, MeasureRow[]>();
  for (const measure of summary.details) {
    const { name, value, n } = measure;
    const group = groupOf(measure);
    const meaning = meaningOf(measure, trial, infos, measuringClients(summary));
    const row = { group, name, value, n, meaning };
    groups.set(group, [...(groups.get(group) ?? []), { ...row, ...held(name, value) }]);
  }
  const vain = Object.keys(expected)
    .filter((name) => ownProperty(summary.measures, name) === undefined)
    .map((name): MeasureRow => {
      const meaning = "expected, but the run has no such measure";
      const row = { group: "Not measured", name, value: undefined, n: undefined, meaning };
      return { ...row, ...held(name, undefined) };
    });
  return [...[...groups.values()].flat(), ...vain];
}

function groupOf({ scope, metric }: Measure): string {
  switch (scope) {
    case "clients":
      return `Evaluation: ${metric}`;
    case "global":
      return `Coordinator: ${metric}`;
    case "detection":
      return "Detection";
    case "bytes":
      return "Traffic";
    case "lost":
      return "Losses";
    case "time":
    case "target":
      return "Time";
    case "mods":
      return "Mods";
  }
}

function targetText({ target }: Trial): string {
  return target ? `${target.metric} ${target.value}` : "the target";
}

function meaningOf(measure: Measure, trial: Trial, infos: MetricInfos, whose: string): string {
  const better = measure.better && `${measure.better} is better`;
  return [...clausesOf(measure, trial, infos, whose), better].filter(Boolean).join("; ");
}

function clausesOf(
  measure: Measure,
  trial: Trial,
  infos: MetricInfos,
  whose: string,
): (string | undefined)[] {
  const { scope, metric, arm = listArms(trial)[0].label, comparison, attack, mod } = measure;
  const method = comparison
    ? `${arm} ${comparison.kind === "gainOver" ? "minus" : "divided by"} ${comparison.arm}`
    : arm;
  const described = ownProperty(infos, metric)?.description;
  switch (scope) {
    case "clients":
      return [method, `mean over the ${whose} on their own data, last round`, described];
    case "global":
      return [
        method,
        `measured at the coordinator, by the task ${trial.task.name} or the aggregator, last round`,
        described,
      ];
    case "detection":
      return attack === undefined
        ? [ownProperty(detectionInfos, metric)?.description]
        : [`share of the clients under ${attack} that were flagged, all rounds together`];
    case "bytes":
      return [`bytes ${metric === "up" ? "from" : "to"} the clients of ${arm}, all rounds`];
    case "lost":
      return [`${arm}: rounds of ${whose} in which no answer came`];
    case "time":
      return [`${arm}: simulated time of all rounds`];
    case "target":
      return [
        `${arm}: ${metric === "rounds" ? "rounds" : "simulated time"} to ${targetText(trial)}, reached first`,
      ];
    case "mods":
      return [`${arm}: the largest that ${mod ?? ""} told of ${whose}, all rounds`];
  }
}
