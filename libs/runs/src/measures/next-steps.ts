import type { Measures } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import { commandName } from "../words/command-name.js";
import { formatNumber } from "../words/numbers.js";
import type { Summary } from "./summary.js";

/** Up to this multiple of what guessing reaches, a metric says that nothing was learned. */
const margin = 1.25;

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
  const { guessing, better } = metrics[primary] ?? {};
  if (guessing === undefined || better !== "higher") return [];
  const means = arms.flatMap(({ label, benignOnly }) => {
    const values = summaries.flatMap(
      ({ measures }) =>
        measures[`${primary}.${label}`] ?? measures[`global.${primary}.${label}`] ?? [],
    );
    return benignOnly || values.length === 0 ? [] : mean(values);
  });
  if (means.length === 0 || means.some((value) => value > margin * guessing)) return [];
  return [
    `no arm is better than guessing (${primary} ${formatNumber(guessing)}): training may diverge, so try a smaller learning rate`,
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
        `no contaminated client was flagged: ${commandName()} power with the trial file says which kinds would be`,
      ]
    : [
        "no contaminated client was flagged: the scores in the table of clients still rank them, whatever the rule's number of flags",
      ];
}
