import { z } from "zod";
import { explainUnknownKeys } from "./unknown-keys.js";

/** The rule of a trial that names none. */
const defaultRule = "evidence";

/**
 * The smallest ratio of neighbouring scores that counts as a gap. Scores of benign clients alone
 * rarely have a ratio of 1.3 beyond the closest half; 1.2 is better with ten clients and weak
 * signals (`trials/text-copy/synthetic.yaml`).
 */
export const usualMinGap = 1.3;

/** Rejects a key of another rule with the name of that rule. */
const strict = { error: explainUnknownKeys(adviseOnKey) };

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
  fixed: z
    .strictObject(
      {
        by: z.literal("fixed"),
        maxSine: z
          .number()
          .gt(0)
          .lt(1)
          .default(0.5)
          .describe("Sine of the largest benign angle to the shared space, in (0, 1)."),
      },
      strict,
    )
    .describe("A threshold for the scores, at a fixed angle."),
  none: z
    .strictObject({ by: z.literal("none") }, strict)
    .describe("Scores only; no client is flagged."),
};

type RuleName = keyof typeof branches;

const names = Object.keys(branches) as [RuleName, ...RuleName[]];
const list = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;

const ruleMapping = z.discriminatedUnion(
  "by",
  [branches.gap, branches.evidence, branches.fixed, branches.none],
  { error: () => `expected ${list}` },
);

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

/** Says to which rule a key belongs; undefined if it is a key of no rule. */
function adviseOnKey(key: string, mapping: object): string | undefined {
  const owner = names.find((name) => key in branches[name].shape);
  const { by } = mapping as { readonly by: RuleName };
  return owner && ` of rule ${by}: it belongs to { by: ${owner}, ${key}: … }`;
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
