import type { Blend } from "@fedclair/aggregators";

/** The ways to refine an adapter. */
export const refinementKinds = [
  "shrunk-quarter",
  "shrunk-half",
  "added-half",
  "added-whole",
  "clair",
] as const;

export type RefinementKind = (typeof refinementKinds)[number];

/** What can be written for an adapter: itself, or a refined version. */
export const candidateKinds = ["own", ...refinementKinds] as const;

export type CandidateKind = (typeof candidateKinds)[number];

/** How each kind is made; "mean" is the mean of the other adapters that are pooled. */
export const candidateMeanings: Readonly<Record<CandidateKind, string>> = {
  own: "own",
  "shrunk-quarter": "¾ own + ¼ mean",
  "shrunk-half": "½ own + ½ mean",
  "added-half": "own + ½ mean",
  "added-whole": "own + mean",
  clair: "CLAIR",
};

/** The shares of each blend. */
export const blends: Readonly<Record<Exclude<RefinementKind, "clair">, Blend>> = {
  "shrunk-quarter": { own: 0.75, others: 0.25 },
  "shrunk-half": { own: 0.5, others: 0.5 },
  "added-half": { own: 1, others: 0.5 },
  "added-whole": { own: 1, others: 1 },
};

/** The kinds that are written if nothing is measured, by their subfolder. */
export const unmeasuredFolders = { shrunk: "shrunk-half", added: "added-half" } as const;

/** The subfolders that are written if nothing is measured. */
export const unmeasuredNames = ["shrunk", "added"] as const;

/** The losses of one adapter's candidates. */
export interface MeasuredAdapter {
  readonly name: string;
  /** Losses by candidate; null if a loss is not finite. */
  readonly losses: Readonly<Record<CandidateKind, number | null>>;
  /** The candidate with the lowest loss, which was written. */
  readonly chosen: CandidateKind;
}

/** The result of `--evaluate`. */
export interface Evaluation {
  readonly command: string;
  /** In the order of the command line. */
  readonly adapters: readonly MeasuredAdapter[];
}
