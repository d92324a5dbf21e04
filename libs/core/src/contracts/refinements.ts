import { scaleDelta, type Delta } from "../tensors/update.js";

/** The ways to refine a change. */
export const refinementKinds = [
  "shrunk-quarter",
  "shrunk-half",
  "added-half",
  "added-whole",
  "clair",
] as const;

export type RefinementKind = (typeof refinementKinds)[number];

/** What a client or an adapter can continue with: its own change, or a refined version. */
export const candidateKinds = ["own", ...refinementKinds] as const;

export type CandidateKind = (typeof candidateKinds)[number];

/** How each kind is made; "mean" is the mean of the changes that are pooled. */
export const candidateMeanings: Readonly<Record<CandidateKind, string>> = {
  own: "own",
  "shrunk-quarter": "¾ own + ¼ mean",
  "shrunk-half": "½ own + ½ mean",
  "added-half": "own + ½ mean",
  "added-whole": "own + mean",
  clair: "CLAIR",
};

/** The shares of each blend: of the own change, and of the mean. */
export const blends: Readonly<
  Record<Exclude<RefinementKind, "clair">, { readonly own: number; readonly others: number }>
> = {
  "shrunk-quarter": { own: 0.75, others: 0.25 },
  "shrunk-half": { own: 0.5, others: 0.5 },
  "added-half": { own: 1, others: 0.5 },
  "added-whole": { own: 1, others: 1 },
};

/** The changes that a client makes its candidates from, each a sum of terms. */
export interface CandidateParts {
  /** The change that the client sent. */
  readonly own: readonly Delta[];
  /** The mean of the changes that are pooled. */
  readonly mean: readonly Delta[];
  /** The client's change as the aggregator refined it. */
  readonly refined: readonly Delta[];
}

/**
 * Makes one candidate from its parts: a sum of terms.
 * @param scaleMean multiplies `parts.mean`, so that clients with one mean can share the result
 */
export function makeCandidate(
  kind: CandidateKind,
  parts: CandidateParts,
  scaleMean = (share: number) => scaleTerms(parts.mean, share),
): readonly Delta[] {
  if (kind === "own") return parts.own;
  if (kind === "clair") return parts.refined;
  const { own, others } = blends[kind];
  return [...scaleTerms(parts.own, own), ...scaleMean(others)];
}

/** Multiplies a sum of terms by `factor`. */
export function scaleTerms(terms: readonly Delta[], factor: number): readonly Delta[] {
  return terms.map((term) => scaleDelta(term, factor));
}

/**
 * Returns the candidate with the lowest loss. Of equal ones it is the first in `candidateKinds`, so
 * that a client without any loss keeps its own change.
 * @param losses by kind, in any order; other names are ignored
 */
export function chooseCandidate(losses: Readonly<Record<string, number>>): CandidateKind {
  let chosen: CandidateKind = "own";
  let lowest = Infinity;
  for (const kind of candidateKinds) {
    const loss = Object.hasOwn(losses, kind) ? (losses[kind] ?? NaN) : NaN;
    if (loss < lowest) [chosen, lowest] = [kind, loss];
  }
  return chosen;
}
