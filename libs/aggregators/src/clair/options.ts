import { z } from "zod";
import { weighting } from "../weights.js";

/**
 * The options of CLAIR with the defaults of the platform's design. Each description documents its
 * option.
 */
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
      "Dimension of the shared space of every module, at least 1; auto selects it for each module.",
    ),
  rankMax: z.int().min(1).default(8).describe("Largest rank that auto tries, at least 1."),
  solver: z
    .enum(["trimmed", "convex"])
    .default("trimmed")
    .describe(
      "How the space and the clients outside it are found: trimmed is a least trimmed subspace; convex is block Outlier Pursuit, a cross-check for small modules that is weak against collusion.",
    ),
  normalize: z
    .enum(["unit", "winsor", "none"])
    .default("unit")
    .describe(
      "How clients are weighted in the fit: equally (unit), with norms above the median cut to it (winsor), or by norm (none).",
    ),
  minBenignFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe("The share of active clients that is certainly benign, in (0, 1]."),
  starts: z
    .int()
    .min(1)
    .default(16)
    .describe("Number of clients whose own spaces the search starts from, at least 1."),
  subsetStarts: z
    .union([z.int().min(0), z.literal("auto")])
    .default("auto")
    .describe(
      "Number of random groups of clients that the search also starts from; auto: 64 if single clients do not show the whole space, else 0.",
    ),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe(
      "Seed of the random groups and of the sketch, an integer in 0 … 2³² - 1; a trial mixes it with a seed that no client knows.",
    ),
  keepStarts: z
    .int()
    .min(1)
    .default(3)
    .describe("Number of starts that are followed to the end, at least 1."),
  maxSteps: z
    .int()
    .min(1)
    .default(50)
    .describe("Maximum number of concentration steps for a start that is followed, at least 1."),
  rule: z
    .enum(["evidence", "gap", "mad", "fixed", "none"])
    .default("gap")
    .describe(
      "How contaminated clients are found: by evidence of several kinds at falseAlarmRate, or by a threshold for the scores: at a gap between them, at a robust quantile, at a fixed angle, or none.",
    ),
  falseAlarmRate: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.05)
    .describe(
      "Rule evidence: the share of federations without a contaminated client in which any client is flagged, 0.001 … 0.5.",
    ),
  gapMin: z
    .number()
    .gt(1)
    .default(1.3)
    .describe("Rule gap: the smallest ratio of neighbouring scores that counts as a gap, above 1."),
  gapMin2: z
    .number()
    .gt(1)
    .default(1.6)
    .describe("Rule gap: the smallest ratio for further gaps below the first one, above 1."),
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
    .describe("Scores below this value are rounding errors and count as equal, above 0."),
  leaveOneOut: z
    .boolean()
    .default(true)
    .describe("Whether a client is scored against the space fitted without it."),
  leaveOneOutMax: z
    .int()
    .min(1)
    .default(128)
    .describe("Largest number of clients in the fit for which leaveOneOut is used, at least 1."),
  refits: z
    .int()
    .min(1)
    .default(10)
    .describe("Maximum number of alternations between fitting and detecting, at least 1."),
  pooling: z
    .enum(["energy", "max"])
    .default("energy")
    .describe(
      "How the modules of a client are combined into one score: by the sum of their energies, or by the worst module.",
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
      "Number of rounds for which a client's newest update counts in the detection, for cohorts that are a small part of all clients; 1: this round only.",
    ),
  zeroTol: z
    .number()
    .min(0)
    .default(1e-12)
    .describe("A client is inactive if its norm is at most this share of the median, at least 0."),
  screens: z
    .array(z.enum(["norm", "direction"]))
    .default([])
    .describe(
      "Further tests of benign clients inside the shared space: a norm beyond 5 medians, or a direction away from the geometric median. They are meant for a global model of clients that have much in common; personal models gain nothing from them.",
    ),
  minClients: z
    .int()
    .min(1)
    .default(3)
    .describe(
      "With fewer active clients, no client is flagged; at least 1. Rule evidence needs at least 6.",
    ),
  centered: z
    .boolean()
    .default(false)
    .describe("Whether the benign mean is subtracted before the fit, for a large common part."),
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
      "Rule evidence: whether a client that only stands apart from the others is included in the shared result.",
    ),
  models: z
    .enum(["personal", "global"])
    .default("personal")
    .describe(
      "What clients continue with: each benign client with its own refined change, or all with the mean of the benign ones, for example if each client takes part in few rounds.",
    ),
  weighting: weighting.default("uniform"),
  clipOff: z
    .number()
    .gt(0)
    .nullable()
    .default(2)
    .describe(
      "Limit, in median norms, for a client's part outside the shared space and its change of a vector when they enter the mean, above 0; null: no limit.",
    ),
});

export type ClairOptions = z.infer<typeof clairSchema>;

/**
 * Minimum number of clients for rule `evidence`: with fewer, half of the clients say nothing about
 * the rest.
 */
const minEvidenceClients = 6;

/** Minimum number of active clients; with fewer, no client is flagged. */
export function leastClients({
  rule,
  minClients,
}: Pick<ClairOptions, "minClients" | "rule">): number {
  return rule === "evidence" ? Math.max(minClients, minEvidenceClients) : minClients;
}

/** H, the number of active clients that are certainly benign. */
export function minBenignCount(
  clients: number,
  { minBenignFraction }: Pick<ClairOptions, "minBenignFraction">,
): number {
  return Math.min(Math.max(Math.ceil(minBenignFraction * clients - 1e-9), 1), clients);
}
