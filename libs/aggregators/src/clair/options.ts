import { z } from "zod";
import { weighting } from "../weights.js";

/** The options of CLAIR, with the defaults of the platform's design (docs of each in its description). */
export const clairSchema = z.strictObject({
  side: z
    .enum(["left", "right", "both"])
    .default("left")
    .describe(
      "The space that benign clients share: of columns (left; with LoRA, of the factors B), of rows (right), or both.",
    ),
  rank: z
    .union([z.int().min(1), z.literal("auto")])
    .default("auto")
    .describe(
      "Dimension of the shared space of every module, at least 1; auto chooses it by module.",
    ),
  rankMax: z.int().min(1).default(8).describe("Largest rank that auto tries, at least 1."),
  solver: z
    .enum(["trimmed", "convex"])
    .default("trimmed")
    .describe(
      "How space and clients are parted: least trimmed subspace, or block Outlier Pursuit as a cross-check, for small modules and weak against collusion.",
    ),
  normalize: z
    .enum(["unit", "winsor", "none"])
    .default("unit")
    .describe(
      "How clients count in the fit: all alike (unit), those above the median norm cut to it (winsor), or by norm (none).",
    ),
  minBenignFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe("The share of active clients that is benign for certain, in (0, 1]."),
  starts: z
    .int()
    .min(1)
    .default(16)
    .describe("How many clients' own spaces the search starts from, at least 1."),
  subsetStarts: z
    .union([z.int().min(0), z.literal("auto")])
    .default("auto")
    .describe(
      "How many random groups of clients the search also starts from; auto: 64 if single clients do not show the whole space, else 0.",
    ),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe(
      "Seed of the random groups and of the sketch, an integer in 0 … 2³² - 1; in a trial it is mixed with one that no client knows.",
    ),
  keepStarts: z
    .int()
    .min(1)
    .default(3)
    .describe("How many starts are followed to the end, at least 1."),
  maxSteps: z
    .int()
    .min(1)
    .default(50)
    .describe("Concentration steps at most of a start that is followed, at least 1."),
  rule: z
    .enum(["evidence", "gap", "mad", "fixed", "none"])
    .default("gap")
    .describe(
      "Who is contaminated: by evidence of several kinds at falseAlarmRate, or by a threshold of the scores at a gap between them, at a robust quantile, at a fixed angle, or nowhere.",
    ),
  falseAlarmRate: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.01)
    .describe(
      "Rule evidence: the share of federations without a contaminated client in which somebody is accused, 0.001 … 0.5.",
    ),
  gapMin: z
    .number()
    .gt(1)
    .default(1.3)
    .describe("Rule gap: the least ratio of neighbouring scores that counts as a gap, above 1."),
  gapMin2: z
    .number()
    .gt(1)
    .default(1.6)
    .describe("Rule gap: the same for further gaps below the first one, above 1."),
  madC: z
    .number()
    .gt(0)
    .default(5)
    .describe("Rule mad: deviations above the quantile that are still benign, above 0."),
  madEta: z
    .number()
    .min(0)
    .default(0.25)
    .describe("Rule mad: relative excess over the quantile that is always benign, at least 0."),
  fixedThreshold: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.5)
    .describe("Rule fixed: sine of the largest benign angle to the shared space, in (0, 1)."),
  scoreFloor: z
    .number()
    .gt(0)
    .default(1e-6)
    .describe("Scores below it are taken for rounding and count as equal, above 0."),
  leaveOneOut: z
    .boolean()
    .default(true)
    .describe("Whether a client is scored against the space fitted without it."),
  leaveOneOutMax: z
    .int()
    .min(1)
    .default(128)
    .describe("Largest number of clients in the fit for which leaveOneOut is done, at least 1."),
  refits: z
    .int()
    .min(1)
    .default(10)
    .describe("Rounds of fitting and detecting at most, at least 1."),
  pooling: z
    .enum(["energy", "max"])
    .default("energy")
    .describe(
      "How the modules of a client make one score: their energies summed, or the worst one.",
    ),
  memoryBeta: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .describe(
      "Weight of a client's earlier rounds in the logarithm of its score, in [0, 1); 0: none.",
    ),
  window: z
    .int()
    .min(1)
    .default(1)
    .describe(
      "Rounds over which the newest update of every client counts in the detection: for cohorts that are a small part of all clients; 1: this round only.",
    ),
  zeroTol: z
    .number()
    .min(0)
    .default(1e-12)
    .describe("A client whose norm is at most this share of the median is inactive, at least 0."),
  screens: z
    .array(z.enum(["norm", "direction"]))
    .default([])
    .describe(
      "Further tests of benign clients, inside the shared space: a norm beyond 5 medians, or a direction away from the geometric median. For a global model of clients that have much in common; personal models gain nothing from them.",
    ),
  minClients: z
    .int()
    .min(1)
    .default(3)
    .describe(
      "With fewer active clients nobody is suspected, at least 1; rule evidence takes 6 at least.",
    ),
  centered: z
    .boolean()
    .default(false)
    .describe(
      "Whether the benign mean is taken out before the fit: for a common part that is large.",
    ),
  offSubspace: z
    .enum(["mean", "zero", "shrink"])
    .default("mean")
    .describe(
      "What benign clients get outside the shared space: the benign mean, nothing, or the mean shrunk by its noise.",
    ),
  undecided: z
    .enum(["out", "in"])
    .default("out")
    .describe(
      "Rule evidence: whether a client that only stands apart from the others counts in what is shared.",
    ),
  models: z
    .enum(["personal", "global"])
    .default("personal")
    .describe(
      "What clients go on with: each benign one with its own refined change, or all with the mean of the benign ones, as where clients take part in few rounds.",
    ),
  weighting: weighting.default("uniform"),
  clipOff: z
    .number()
    .gt(0)
    .nullable()
    .default(2)
    .describe(
      "A client's part outside the shared space, and its change of a vector, enters the mean with at most this many median norms, above 0; null: whole.",
    ),
});

export type ClairOptions = z.infer<typeof clairSchema>;

/** Evidence of more than one kind says nothing of fewer: half of them say nothing of the rest. */
const minEvidenceClients = 6;

/** With fewer active clients nobody is suspected. */
export function leastClients({
  rule,
  minClients,
}: Pick<ClairOptions, "minClients" | "rule">): number {
  return rule === "evidence" ? Math.max(minClients, minEvidenceClients) : minClients;
}

/** H: how many of the active clients are benign for certain. */
export function minBenignCount(
  clients: number,
  { minBenignFraction }: Pick<ClairOptions, "minBenignFraction">,
): number {
  return Math.min(Math.max(Math.ceil(minBenignFraction * clients - 1e-9), 1), clients);
}
