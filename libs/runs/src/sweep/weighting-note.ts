import { listArms, type Trial } from "@fedclair/core/internal";
import { listItems } from "../outcome/verdict.js";

/**
 * Says which rules of a sweep weigh clients by their number of samples while others do not, because
 * a lead of one rule may come from that. Empty if all weigh alike.
 */
export function listWeightingNotes(trials: readonly Trial[]): string[] {
  const arms = trials.flatMap(listArms).filter(({ choice }) => choice.name !== "local");
  const namesWith = (weighting: unknown) => [
    ...new Set(arms.filter(({ choice }) => choice.weighting === weighting).map(nameArm)),
  ];
  const [samples, uniform, own] = ["samples", "uniform", undefined].map(namesWith);
  if (!samples?.length || !(uniform?.length || own?.length)) return [];
  const groups = [
    `${listItems(samples)} by number of samples`,
    ...(uniform?.length ? [`${listItems(uniform)} evenly`] : []),
    ...(own?.length ? [`${listItems(own)} without such an option`] : []),
  ];
  return [
    `Rules weigh clients differently, which matters where these hold different numbers of samples: ${groups.join(", ")}. weighting: uniform is one setting for all.`,
  ];
}

/** Names an arm by its rule if the label does not. */
function nameArm({ label, choice: { name } }: { label: string; choice: { name: string } }): string {
  return label === name ? name : `${label} (${name})`;
}
