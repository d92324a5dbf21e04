import { collect, type Answered, type Collected } from "./collect.js";
import type { Admit, Derivation, Job } from "../contracts/pool.js";
import type { CandidateParts } from "../contracts/refinements.js";
import { controlFor } from "./control-variates.js";
import { jobFor } from "./job.js";
import { needsFinish } from "./finish-external.js";
import { splitAnswers } from "./own-params.js";
import type { RoundPlan } from "./round-plan.js";
import type { ServerCode } from "./server-plugins.js";
import { admitWithOwn } from "../tensors/own-modules.js";
import { loadParams } from "../tensors/tensor.js";
import { clientStart, expectedShapes, type TrialState } from "./trial-state.js";

/** The event that a round's cohort is sampled. */
export interface Sampled {
  readonly kind: "sampled";
  readonly round: number;
  readonly cohort: readonly string[];
}

/** The request that a round sends to its clients. */
export interface Asked extends Pick<Job, "round" | "phase" | "kind"> {
  readonly admit: Admit;
  /** How the shared params follow from earlier ones. */
  readonly derivation?: Derivation | undefined;
  /** What each client makes its candidates from, in requests of the kind `choose`. */
  readonly candidates?: ReadonlyMap<string, CandidateParts>;
}

/** Sends each client a job with its own params, and waits for the answers like `collect`. */
export async function* askClients(
  plan: RoundPlan,
  state: TrialState,
  { admit, derivation, candidates, ...asked }: Asked,
  clientIds: readonly string[],
): AsyncGenerator<Answered, Collected> {
  const { pool, trial, signal } = plan;
  const jobs = clientIds.map((clientId) => {
    const params = clientStart(state, clientId);
    const isDerived = derivation && params.base === state.params;
    const parts = candidates?.get(clientId);
    const isCorrected = plan.scaffold && asked.kind === "train";
    const own = state.own && state.personal.get(clientId);
    return jobFor(plan, {
      ...asked,
      clientId,
      params,
      ...(isDerived && { derivation }),
      ...(parts && { candidates: parts }),
      ...(isCorrected && { control: controlFor(state, clientId) }),
      ...(plan.method && {
        personal: { arm: plan.method.arm, ...(own && { own: loadParams(own.base) }) },
      }),
    });
  });
  return yield* collect(pool, jobs, admit, trial.limits.answerSeconds, signal);
}

/** The code of plug-ins that runs while clients are asked to train. */
export type GatheringCode = Pick<ServerCode, "finishExternal" | "openStream">;

/**
 * Lets clients train like `askClients`, takes their own params off the updates, and completes the
 * updates of external clients.
 */
export async function* askToTrain(
  plan: RoundPlan,
  state: TrialState,
  asked: Asked,
  clientIds: readonly string[],
  { finishExternal }: Pick<ServerCode, "finishExternal">,
): AsyncGenerator<Answered, Collected> {
  const { own } = state;
  if (own) {
    const sent = expectedShapes(state);
    const admit: Admit = (update) => admitWithOwn(update, sent, own);
    return splitAnswers(yield* askClients(plan, state, { ...asked, admit }, clientIds));
  }
  const collected = yield* askClients(plan, state, asked, clientIds);
  if (!collected.updates.some(({ clientId }) => needsFinish(plan, clientId))) return collected;
  return await finishExternal(plan, collected, asked, state);
}
