import { sum } from "@fedclair/linalg";
import {
  chooseCandidate,
  makeCandidate,
  scaleTerms,
  type CandidateKind,
  type CandidateParts,
} from "../contracts/refinements.js";
import { admitEvaluation } from "../tensors/admission.js";
import { deltaBytes, type Delta } from "../tensors/update.js";
import { askClients, type Asked } from "./ask-clients.js";
import type { Answered, Collected } from "./collect.js";
import type { RoundPlan } from "./round-plan.js";
import type { Stepped } from "./run-step.js";
import type { TrialState } from "./trial-state.js";

/** The choices of a round's clients between their own change and its refined versions. */
export interface Choices {
  /** The changes of personal params, with the chosen ones in place of those that were refined. */
  readonly personal: Stepped["aggregation"]["personal"];
  /** What each client that had a choice continues with. */
  readonly kinds: ReadonlyMap<string, CandidateKind>;
  /** Why clients could not choose. They continue with their own change. */
  readonly failures: Collected["failures"];
  /** The number of bytes that clients were sent in addition to their own change. */
  readonly down: number;
}

/**
 * Lets the clients with a refined change choose what they continue with, on data that they held
 * back from training. A client's answer affects nobody else. Clients that are not simulated have no
 * choice and continue with the refined change.
 * @param state the params that the changes are added to
 */
export async function* chooseRefinements(
  plan: RoundPlan,
  state: TrialState,
  when: Pick<Asked, "round" | "phase">,
  { aggregation, updates, step }: Pick<Stepped, "aggregation" | "updates" | "step">,
): AsyncGenerator<Answered, Choices> {
  const { change: mean, personal, refined: withChoice } = aggregation;
  const candidates = new Map<string, CandidateParts>();
  // Params that the task chose replace all changes.
  const isOffered = (plan.trial.holdBack ?? 0) > 0 && !step.params;
  for (const { clientId, delta } of isOffered ? updates : []) {
    const refined = personal?.get(clientId);
    if (!refined || !withChoice?.has(clientId) || plan.external.has(clientId)) continue;
    candidates.set(clientId, { own: [delta], mean, refined });
  }
  if (candidates.size === 0) return { personal, kinds: new Map(), failures: new Map(), down: 0 };
  const asked = { ...when, kind: "choose", admit: admitEvaluation, candidates } as const;
  const answers = yield* askClients(plan, state, asked, [...candidates.keys()]);
  const losses = new Map(answers.updates.map(({ clientId, metrics }) => [clientId, metrics]));
  const kinds = new Map<string, CandidateKind>();
  const chosen = new Map(personal);
  const scaledMeans = new Map<number, readonly Delta[]>();
  const scaleMean = (share: number) => {
    const scaled = scaledMeans.get(share) ?? scaleTerms(mean, share);
    scaledMeans.set(share, scaled);
    return scaled;
  };
  for (const [id, parts] of candidates) {
    const kind = chooseCandidate(losses.get(id) ?? {});
    kinds.set(id, kind);
    chosen.set(id, makeCandidate(kind, parts, scaleMean));
  }
  const down = sum([...candidates.values()].map(countBytes));
  return { personal: chosen, kinds, failures: answers.failures, down };
}

/** Counts the bytes of the mean and the refined change; a term that is in both is sent once. */
function countBytes({ mean, refined }: CandidateParts): number {
  const terms = new Set<Delta>([...mean, ...refined]);
  return sum([...terms].map(deltaBytes));
}
