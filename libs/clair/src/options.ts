import { excerpt } from "@fedclair/core";
import { didYouMean } from "@fedclair/core/internal";
import type { Stream } from "@fedclair/linalg";
import { weighting } from "@fedclair/rules";
import { z } from "zod";
import { minEvidenceClients } from "./judge/rounds.js";
import { usualMinGap } from "./space/detect.js";
import type { FindOptions } from "./space/find-shared-space.js";

/** The rule of a trial that names none. */
const defaultRule = "evidence";

/** Rejects a key of another rule with the name of that rule. */
const strict = { error: explainUnknownKeys };

const branches = {
  gap: z
    .strictObject(
      {
        by: z.literal("gap"),
        minGap: z
          .number()
          .gt(1)
          .default(usualMinGap)
          .describe("The smallest ratio of neighbouring scores that counts as a gap, above 1."),
      },
      strict,
    )
    .describe("A threshold for the scores, at the widest gap between them."),
  evidence: z
    .strictObject(
      {
        by: z.literal("evidence"),
        falseAlarmRate: z
          .number()
          .min(0.001)
          .max(0.5)
          .default(0.05)
          .describe(
            "The share of federations without a contaminated client in which any client is flagged, 0.001 … 0.5. It holds on average over kinds of federations that the bank has never seen, if they differ as its kinds do; with n kinds, a bank supports rates down to 1/(n + 1).",
          ),
        undecided: z
          .enum(["out", "in"])
          .default("out")
          .describe(
            "Whether a client that only stands apart from the others is included in the shared result.",
          ),
      },
      strict,
    )
    .describe("Evidence of several kinds, at a rate of false alarms; needs at least 6 clients."),
};

type RuleName = keyof typeof branches;

const names = Object.keys(branches) as [RuleName, ...RuleName[]];
const list = names.join(" or ");

const ruleMapping = z.discriminatedUnion("by", [branches.gap, branches.evidence], {
  error: () => `expected ${list}`,
});

/**
 * The option `rule`: how contaminated clients are found. A bare name is short for the rule with its
 * defaults, and `by` may be left out for the default rule.
 */
const ruleSchema = z
  .union(
    [
      z.enum(names).transform((by) => ruleMapping.parse({ by })),
      z.preprocess(
        (given) => (isMapping(given) && !("by" in given) ? { by: defaultRule, ...given } : given),
        ruleMapping,
      ),
    ],
    { error: () => `expected ${list}, or a mapping as { by: ${defaultRule} }` },
  )
  .prefault(defaultRule)
  .describe("How contaminated clients are found.");

/** A rule with its options, every default filled in. */
export type ClairRule = z.output<typeof ruleSchema>;

/** Explains unknown keys of a rule. All other issues keep their own messages. */
function explainUnknownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "unrecognized_keys") return undefined;
  const { by } = issue.input as { readonly by: RuleName };
  return issue.keys
    .map((key) => {
      const owner = names.find((name) => key in branches[name].shape);
      const advice = owner
        ? ` of rule ${by}: it belongs to { by: ${owner}, ${key}: … }`
        : didYouMean(key, Object.keys(branches[by].shape));
      return `unknown key '${excerpt(key)}'${advice}`;
    })
    .join("\n"); // `separateIssues` splits the lines again
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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

/** Minimum number of active clients; with fewer, no client is flagged. */
export function leastClients({
  rule,
}: {
  readonly rule: Pick<ClairOptions["rule"], "by">;
}): number {
  return rule.by === "evidence" ? minEvidenceClients : minClients;
}

/** Converts the rule to settings of the search for the shared space. */
export function toFindOptions(options: ClairOptions): FindOptions {
  const { rule } = options;
  return {
    ...options,
    minClients: leastClients(options),
    // With rule evidence, lying outside at a gap is a part of the evidence.
    minGap: rule.by === "gap" ? rule.minGap : usualMinGap,
    scalesCommonPart: scalesCommonPart(rule),
  };
}

/**
 * Whether what clients have in common is scaled to each of them. Rule `gap` follows the
 * specification, which treats all alike.
 */
export function scalesCommonPart({ by }: Pick<ClairRule, "by">): boolean {
  return by === "evidence";
}

/** Mixes the seed of the options with one that no client knows. */
export function withSecretSeed(options: ClairOptions, rng: Stream): ClairOptions {
  return { ...options, seed: (options.seed + rng.at("seed").int(2 ** 32)) % 2 ** 32 };
}
