import { z } from "zod";
import { weighting } from "@fedclair/rules";
import { ruleSchema } from "./rule.js";

/**
 * The options of CLAIR with the defaults of the platform's design. Each description documents its
 * option.
 */
export const clairSchema = z
  .strictObject({
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
    rankMax: z
      .int()
      .min(1)
      .default(8)
      .describe(
        "Largest rank that auto tries, at least 1. It never tries more than half of a module's rows, or columns with side right.",
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
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1)
      .describe(
        "Seed of the random groups and of the sketch, an integer in 0 … 2³² - 1; a trial mixes it with a seed that no client knows.",
      ),
    rule: ruleSchema,
    window: z
      .int()
      .min(1)
      .default(1)
      .describe(
        "Number of rounds for which a client's newest update counts in the detection, for cohorts that are a small part of all clients; 1: this round only.",
      ),
    screens: z
      .array(z.enum(["norm", "direction"]))
      .default([])
      .describe(
        "Further tests of benign clients inside the shared space: a norm beyond 5 medians, or a direction away from the geometric median. They are meant for a global model of clients that have much in common; personal models gain nothing from them.",
      ),
    centered: z
      .boolean()
      .default(false)
      .describe("Whether the benign mean is subtracted before the fit, for a large common part."),
    models: z
      .enum(["personal", "global"])
      .default("personal")
      .describe(
        "What clients continue with: each benign client with its own refined change, or all with the mean of the benign ones, for example if each client takes part in few rounds.",
      ),
    weighting: weighting.default("uniform"),
    groupSize: z
      .int()
      .min(20)
      .optional()
      .describe(
        "Number of clients per group, for cohorts of thousands: the cohort is split at random, and each group is judged by itself and without earlier rounds. Needs models: global and window: 1. Default: the whole cohort is judged together.",
      ),
  })
  .refine(({ groupSize, models }) => groupSize === undefined || models === "global", {
    path: ["models"],
    error: "expected global with groupSize, because nothing is kept about single clients",
  })
  .refine(({ groupSize, window }) => groupSize === undefined || window === 1, {
    path: ["window"],
    error: "expected 1 with groupSize, because groups do not see earlier rounds",
  });

export type ClairOptions = z.infer<typeof clairSchema>;

/** With fewer active clients no majority shows which of them share a space. */
const minClients = 3;

/** Minimum number of clients for rule `evidence`, so that just over half of them are four. */
const minEvidenceClients = 6;

/** Minimum number of active clients; with fewer, no client is flagged. */
export function leastClients({
  rule,
}: {
  readonly rule: Pick<ClairOptions["rule"], "by">;
}): number {
  return rule.by === "evidence" ? minEvidenceClients : minClients;
}

/** H, the number of active clients that are certainly benign. */
export function minBenignCount(
  clients: number,
  { minBenignFraction }: Pick<ClairOptions, "minBenignFraction">,
): number {
  return Math.min(Math.max(Math.ceil(minBenignFraction * clients - 1e-9), 1), clients);
}
