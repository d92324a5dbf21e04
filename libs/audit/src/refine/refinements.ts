import type { CandidateKind } from "@fedclair/core/internal";

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
export interface MeasuredLosses {
  readonly command: string;
  /** In the order of the command line. */
  readonly adapters: readonly MeasuredAdapter[];
}
