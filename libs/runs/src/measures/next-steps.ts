import type { Measures } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import { commandName } from "../words/command-name.js";
import { formatNumber } from "../words/numbers.js";
import { isAboveGuessing } from "./guessing.js";
import { readMetric } from "./measure.js";
import type { Summary } from "./summary.js";

/** A loss of this many times that of guessing comes from training that diverges. */
const divergence = 10;

/** Power plants attackers among this many clients or more. */
const fewest = 6;

/** What the advice depends on. */
interface Advised {
  /** The main arm first. */
  readonly arms: readonly { readonly label: string; readonly benignOnly: boolean }[];
  readonly measures: Pick<Measures, "metrics"> & { readonly primary?: string | undefined };
}

/**
 * Says what to do next where a result alone would mislead: nobody was flagged, or no arm learns.
 * @param summaries those of a run, or of all seeds of a study
 */
export function listNextSteps(summaries: readonly Summary[], advised: Advised): string[] {
  return [...adviseOnDivergence(summaries, advised), ...adviseOnFlags(summaries, advised)];
}

function adviseOnDivergence(
  summaries: readonly Summary[],
  { arms, measures: { metrics = {}, primary = "" } }: Advised,
): string[] {
  /** Returns what guessing reaches, and the means of the arms that do not know the truth. */
  const compare = (metric: string) => {
    const guesses = summaries.flatMap(({ guessing }) => readMetric(guessing, metric) ?? []);
    const means = arms.flatMap(({ label, benignOnly }) => {
      const values = summaries.flatMap(
        ({ measures }) =>
          measures[`${metric}.${label}`] ?? measures[`global.${metric}.${label}`] ?? [],
      );
      return benignOnly || values.length === 0 ? [] : mean(values);
    });
    return guesses.length > 0 && means.length > 0 ? { guess: mean(guesses), means } : undefined;
  };
  const main = compare(primary);
  const better = metrics[primary]?.better;
  if (main && !main.means.some((value) => isAboveGuessing(value, main.guess, better))) {
    return [
      `no arm is better than guessing (${primary} ${formatNumber(main.guess)}): training may diverge, so try a smaller learning rate`,
    ];
  }
  const loss = compare("loss");
  if (!loss?.means.every((value) => value > divergence * loss.guess)) return [];
  return [
    `the loss of every arm is far above that of guessing (${formatNumber(loss.guess)}): training diverges, so try a smaller learning rate`,
  ];
}

function adviseOnFlags(summaries: readonly Summary[], { arms }: Advised): string[] {
  const recalls = summaries.flatMap(({ measures }) => measures["detection.recall"] ?? []);
  if (recalls.length === 0 || recalls.some((value) => value > 0)) return [];
  const [judged] = summaries.flatMap(({ details }) =>
    details.flatMap(({ name, n }) => (name === "detection.undecided" ? (n ?? []) : [])),
  );
  if (judged !== undefined && judged < fewest) return []; // the verdicts say that these are too few
  return arms[0]?.label === "clair"
    ? [
        `no contaminated client was flagged in the last round: ${commandName()} power with the trial file says which kinds would be`,
      ]
    : [
        "no contaminated client was flagged in the last round: the scores in the table of clients still rank them, whatever the rule's number of flags",
      ];
}
