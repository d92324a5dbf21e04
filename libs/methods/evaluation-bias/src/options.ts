import { z } from "zod";
import { clientColumn, tableSource } from "@fedclair/tasks/shared";
import { ownPartition } from "@fedclair/tasks/shared";

const spread = z.number().min(0);
const share = z.number().gt(0).lt(1);

/**
 * Largest number of panels. An association has few of them, and each is fitted and reported
 * separately.
 */
export const maxPanels = 12;

const columns = z.strictObject({
  score: z.string().default("score").describe("Column with the observed scores"),
  group: z.string().default("group").describe("Column with the group of each person"),
  panel: z
    .string()
    .optional()
    .describe("Column with the panel that evaluated the person; default: one panel for all"),
  client: clientColumn,
});

/** Options of the task in a trial file. */
export const optionsSchema = z
  .strictObject({
    source: tableSource(columns.prefault({}).describe("The table's columns"))
      .optional()
      .describe("Your own scores, in place of simulated ones: one row per person and evaluation"),
    reference: z
      .union([z.string(), z.number()])
      .optional()
      .describe(
        "Value of the column group whose scores count as exact (with source); all others are group 2",
      ),
    partition: ownPartition,
    lo: z.number().default(-5).describe("Lowest standardised score of the shared grid"),
    hi: z
      .number()
      .default(5)
      .describe(
        "Highest standardised score of the shared grid; scores out of range count in the end bins",
      ),
    bins: z.int().min(10).max(500).default(50).describe("Number of bins of the shared grid"),
    features: z
      .int()
      .min(3)
      .max(20)
      .default(8)
      .describe("Number of features K, the rows of the moment matrices"),
    panels: z
      .array(
        z.strictObject({
          alpha: z.number().positive().describe("Risk-averseness: 1 is neutral"),
          tau: z.number().describe("Least entropy of the observed scores, in nats"),
        }),
      )
      .min(1)
      .max(maxPanels)
      .default([
        { alpha: 1, tau: 1.1 },
        { alpha: 2, tau: 1.6 },
        { alpha: 4, tau: 1.1 },
        { alpha: 4, tau: 1.6 },
      ])
      .describe("How each panel evaluates group 2, whose true scores are N(0, 1)"),
    alphaSpread: spread
      .default(0.1)
      .describe(
        "Standard deviation over institutions of ln(alpha - 1), for a panel with alpha > 1",
      ),
    tauSpread: spread
      .default(0.02)
      .describe("Standard deviation over institutions of tau, in nats"),
    referenceScores: z.int().min(1).default(2000).describe("People of group 1 per institution"),
    panelScores: z.int().min(1).default(2000).describe("People of group 2 per panel"),
    minCount: z.int().min(1).default(100).describe("Panels with fewer people are withheld"),
    noiseMultiplier: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "Noise that institutions add to each moment, in units of the largest effect of one person",
      ),
    selection: z
      .strictObject({
        frac2: share.default(0.5).describe("Group 2's share of the population"),
        c: share.default(0.1).describe("Seats over population, for the coordinator's metrics"),
        atleast: share
          .default(0.3)
          .describe("Share of the seats that rule atleast reserves for group 2"),
        rho: z
          .number()
          .max(1)
          .default(0.5)
          .describe("How far interventions reduce skew and shift tau, as a share of the way"),
      })
      .prefault({})
      .describe("The selection that the report simulates on each panel"),
    scheduler: z
      .strictObject({
        clients: z.int().min(2).default(40).describe("Clients of the simulated federation"),
        seats: z.int().min(1).default(8).describe("Clients that take part in each round"),
        rounds: z.int().min(1).default(200).describe("Number of simulated rounds"),
      })
      .refine(({ clients, seats }) => seats <= clients, "expected at most as many seats as clients")
      .prefault({})
      .describe(
        "A simulated federation in which each panel acts as the scheduler and evaluates clients of group 2 as it does people",
      ),
  })
  .superRefine(({ source, reference, lo, hi, panelScores, minCount, features, bins }, context) => {
    const addIssue = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (source && reference === undefined) {
      addIssue(
        "reference",
        `expected the value of column '${source.columns.group}' whose scores count as exact`,
      );
    }
    if (lo >= hi) addIssue("lo", `expected less than hi = ${hi}, got ${lo}`);
    if (!source && panelScores < minCount) {
      addIssue("panelScores", `expected at least minCount = ${minCount}, got ${panelScores}`);
    }
    if (features >= bins)
      addIssue("features", `expected less than bins = ${bins}, got ${features}`);
  });

export type Options = z.output<typeof optionsSchema>;
