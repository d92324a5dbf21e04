import { excerpt } from "@fedclair/core";
import { didYouMean } from "@fedclair/core/internal";
import { z } from "zod";

/** The rule of a trial that names none. */
const defaultRule = "evidence";

/**
 * The smallest ratio of neighbouring scores that counts as a gap. Scores of benign clients alone
 * rarely have a ratio of 1.3 beyond the closest half; 1.2 is better with ten clients and weak
 * signals (`trials/text-copy/synthetic.yaml`).
 */
export const usualMinGap = 1.3;

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
            "The share of federations without a contaminated client in which any client is flagged, 0.001 … 0.5.",
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
export const ruleSchema = z
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
export type Rule = z.output<typeof ruleSchema>;

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
