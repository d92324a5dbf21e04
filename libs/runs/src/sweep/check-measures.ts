import { UserError } from "@fedclair/core";
import { didYouMean, type Trial } from "@fedclair/core/internal";
import { listArms } from "@fedclair/core/internal";
import { detectionInfos } from "../detection.js";
import type { Sweep, SweepTrial } from "./sweep-file.js";

/**
 * Tells a measure that no trial can have before any is run. What aggregators and tasks measure beside what they declare is known
 * when it is there: such a name passes if it ends with a method's label and is near to no other.
 * @throws UserError naming the first one
 */
export function checkMeasures({ trials, measures }: Sweep, file: string): void {
  const known = new Set(trials.flatMap(possibleNames));
  const labels = trials.flatMap(({ trial }) => listArms(trial).map(({ label }) => label));
  for (const { measure } of measures) {
    if (known.has(measure)) continue;
    if (trials.some(({ trial }) => isOfMod(trial, measure))) continue;
    const advice = didYouMean(measure, [...known]);
    if (advice === "" && labels.some((label) => measure.endsWith(`.${label}`))) continue;
    throw new UserError(
      `${file}: sweep.measures: no trial can have ${measure}${advice}\n  expected some of ${[...known].sort().join(", ")}`,
    );
  }
}

/** What a mod tells is known when it is there. */
function isOfMod({ mods = [] }: Trial, measure: string): boolean {
  return mods.some(({ name }) => measure.startsWith(`mods.${name}.`));
}

function possibleNames({ trial, measures }: SweepTrial): string[] {
  const labels = listArms(trial).map(({ label }) => label);
  const { metrics = {} } = measures;
  const compared = labels.slice(1).flatMap((label) => [`gainOver.${label}`, `ratioTo.${label}`]);
  const ofMetrics = Object.keys(metrics).flatMap((metric) =>
    [...labels, ...compared].flatMap((suffix) => [
      `${metric}.${suffix}`,
      `global.${metric}.${suffix}`,
    ]),
  );
  const attacks = trial.attacks.map(({ attack }) => `detection.recall.${attack.name}`);
  const detection = Object.keys(detectionInfos).map((metric) => `detection.${metric}`);
  const lost = ["clients.lost", ...labels.slice(1).map((label) => `clients.lost.${label}`)];
  const times = labels.flatMap((label) => [
    ...(trial.devices ? [`time.${label}`] : []),
    ...(trial.target ? [`target.rounds.${label}`] : []),
    ...(trial.target && trial.devices ? [`target.seconds.${label}`] : []),
  ]);
  return [...ofMetrics, ...detection, ...attacks, ...lost, ...times, "bytes.up", "bytes.down"];
}
