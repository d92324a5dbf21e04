import { UserError } from "@fedclair/core";
import {
  candidateKinds,
  didYouMean,
  listArms,
  type PreparedTrial,
  type Trial,
} from "@fedclair/core/internal";
import { detectionInfos } from "../measures/detection.js";

/** A trial with what it can measure. */
export interface Measured extends Pick<PreparedTrial, "trial" | "measures"> {
  /** The names of its attacks in records. */
  readonly attackNames: ReadonlySet<string>;
}

/** The names of a trial's attacks in records: some kinds have a name of their own. */
export function listAttackNames({ contamination }: PreparedTrial): ReadonlySet<string> {
  return new Set([...contamination.values()].map(({ name }) => name));
}

/**
 * Rejects a measure that no trial can have, before any trial is run. Aggregators and tasks may
 * measure more than they declare, so an unknown name is accepted if it ends with an arm's label and
 * does not look like a typo.
 * @param where the file and the key with the names, for the message
 * @throws UserError naming the first such measure
 */
export function checkMeasures(
  measures: readonly string[],
  trials: readonly Measured[],
  where: string,
): void {
  const known = new Set(trials.flatMap(listPossibleNames));
  const labels = trials.flatMap(({ trial }) => listArms(trial).map(({ label }) => label));
  for (const measure of measures) {
    if (known.has(measure)) continue;
    if (trials.some(({ trial }) => isModMeasure(trial, measure))) continue;
    const advice = didYouMean(measure, [...known]);
    if (advice === "" && labels.some((label) => measure.endsWith(`.${label}`))) continue;
    const all = advice === "" ? `\n  expected some of ${[...known].sort().join(", ")}` : "";
    throw new UserError(`${where}: no trial can have ${measure}${advice}${all}`);
  }
}

/** Could a mod report this measure? Its metrics are known only after a run. */
function isModMeasure({ mods = [] }: Trial, measure: string): boolean {
  return mods.some(({ name }) => measure.startsWith(`mods.${name}.`));
}

function listPossibleNames({ trial, measures, attackNames }: Measured): string[] {
  const labels = listArms(trial).map(({ label }) => label);
  const { metrics = {} } = measures;
  const compared = labels.slice(1).flatMap((label) => [`gainOver.${label}`, `ratioTo.${label}`]);
  const ofMetrics = Object.keys(metrics).flatMap((metric) => [
    ...[metric, `global.${metric}`], // of the main arm
    ...[...labels, ...compared].flatMap((suffix) => [
      `${metric}.${suffix}`,
      `global.${metric}.${suffix}`,
    ]),
  ]);
  const attacks = [...attackNames].map((name) => `detection.recall.${name}`);
  const refinement = candidateKinds.map((kind) => `refinement.${kind}`);
  const detection = Object.keys(detectionInfos).map((metric) => `detection.${metric}`);
  const lost = ["clients.lost", "clients.lostContaminated"].flatMap((name) => [
    name,
    ...labels.slice(1).map((label) => `${name}.${label}`),
  ]);
  const times = labels.flatMap((label) => [
    ...(trial.devices ? [`time.${label}`] : []),
    ...(trial.target ? [`target.rounds.${label}`] : []),
    ...(trial.target && trial.devices ? [`target.seconds.${label}`] : []),
  ]);
  const bytes = ["bytes.up", "bytes.down"];
  return [...ofMetrics, ...detection, ...attacks, ...refinement, ...lost, ...times, ...bytes];
}
