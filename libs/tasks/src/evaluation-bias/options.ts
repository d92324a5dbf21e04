import { z } from "zod";

const spread = z.number().min(0);
const share = z.number().gt(0).lt(1);

/** An association has few panels; each is fitted and reported by itself. */
export const mostPanels = 12;

/** Options of the task, for a trial file. */
export const optionsSchema = z
  .strictObject({
    lo: z.number().default(-5).describe("Lowest standardised score of the shared grid"),
    hi: z.number().default(5).describe("Highest; scores out of range count in the end bins"),
    bins: z.int().min(10).max(500).default(50).describe("Bins of the shared grid"),
    features: z.int().min(3).max(20).default(8).describe("Rows K of the moment matrices"),
    panels: z
      .array(
        z.strictObject({
          alpha: z.number().positive().describe("Risk-averseness: 1 is neutral"),
          tau: z.number().describe("Least entropy of the observed scores, nats"),
        }),
      )
      .min(1)
      .max(mostPanels)
      .default([
        { alpha: 1, tau: 1.1 },
        { alpha: 2, tau: 1.6 },
        { alpha: 4, tau: 1.1 },
        { alpha: 4, tau: 1.6 },
      ])
      .describe("How each panel evaluates group 2, whose true scores are N(0, 1)"),
    alphaSpread: spread
      .default(0.1)
      .describe("Standard deviation over institutions of ln(alpha - 1), of a panel with alpha > 1"),
    tauSpread: spread.default(0.02).describe("Standard deviation over institutions of tau, nats"),
    referenceScores: z.int().min(1).default(2000).describe("People of group 1 an institution"),
    panelScores: z.int().min(1).default(2000).describe("People of group 2 a panel"),
    minCount: z.int().min(1).default(100).describe("A panel of fewer people is withheld"),
    noiseMultiplier: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "Noise that institutions add to each moment, in units of what one person can change",
      ),
    selection: z
      .strictObject({
        frac2: share.default(0.5).describe("Group 2's share of the population"),
        c: share.default(0.1).describe("Seats over population, for the coordinator's metrics"),
        atleast: share
          .default(0.3)
          .describe("Share of the seats that a reservation holds for group 2"),
        rho: z
          .number()
          .max(1)
          .default(0.5)
          .describe("Share by which skew is reduced, and tau shifted"),
      })
      .prefault({})
      .describe("The selection that the report shows on each panel"),
    scheduler: z
      .strictObject({
        clients: z.int().min(2).default(40).describe("Clients of a simulated federation"),
        seats: z.int().min(1).default(8).describe("How many of them take part in a round"),
        rounds: z.int().min(1).default(200).describe("Rounds that are simulated"),
      })
      .refine(({ clients, seats }) => seats <= clients, "expected at most as many seats as clients")
      .prefault({})
      .describe(
        "What each panel would do as the scheduler of a federation, group 2 of whose clients it evaluates as it does people",
      ),
  })
  .superRefine(({ lo, hi, panelScores, minCount, features, bins }, context) => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (lo >= hi) refuse("lo", `expected less than hi = ${hi}, got ${lo}`);
    if (panelScores < minCount) {
      refuse("panelScores", `expected at least minCount = ${minCount}, got ${panelScores}`);
    }
    if (features >= bins) refuse("features", `expected less than bins = ${bins}, got ${features}`);
  });

export type Options = z.output<typeof optionsSchema>;
