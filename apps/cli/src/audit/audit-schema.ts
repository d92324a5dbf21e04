import { z } from "zod";
import type { Comparison } from "./compare-adapters.js";
import type { RefinedFolder } from "./write-refined.js";

/** What an audit says, as `--json` prints it. */
export interface Audit extends Comparison {
  /** Folders beside adapters that have no configuration of one. */
  readonly skipped: readonly string[];
  /** Earlier states of an adapter that was found, left out. */
  readonly checkpoints: readonly string[];
  readonly refined?: RefinedFolder;
}

const names = z.array(z.string());

const evidence = z.strictObject({
  kind: z
    .string()
    .describe(
      'outside, opposed, apart, size or clique; with ", in what varies" behind it of changes without what they have in common.',
    ),
  statistic: z
    .number()
    .describe(
      "outside: tangent of the angle to the shared space; apart and opposed: median cosine with the others; size: norm of the whole change; clique: mean cosine with the two nearest, minus the median.",
    ),
  pValue: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe("That a benign adapter's is as extreme; absent where no law is known."),
  limit: z
    .number()
    .exactOptional()
    .describe("Beyond it the statistic convicts by itself; absent where none does."),
});

const adapter = z.strictObject({
  name: z
    .string()
    .describe(
      "The folder's own name, or its path from the folder that all adapters are in where names repeat.",
    ),
  status: z.enum(["benign", "contaminated", "undecided", "inactive", "invalid"]),
  score: z
    .number()
    .nullable()
    .describe(
      "In units of what convicts; with another rule than evidence the tangent of the angle to the shared space. Null: not scored.",
    ),
  modules: z
    .array(z.strictObject({ module: z.string(), ratio: z.number().min(0) }))
    .describe(
      "How far each module lies outside its space, in medians of the benign adapters; the farthest first. Empty where nobody is benign.",
    ),
  evidence: z
    .array(evidence)
    .exactOptional()
    .describe("What the score rests on, with rule evidence."),
  reason: z
    .string()
    .exactOptional()
    .describe("Why it is invalid or undecided, or which screen it failed."),
});

/** The form of `fedclair audit --json`; `docs/audit.schema.json` is made of it. */
export const auditSchema: z.ZodType<Audit> = z
  .strictObject({
    adapters: z.array(adapter).describe("In the order in which they were given."),
    detection: z.boolean().describe("False if there are too few adapters to suspect any."),
    threshold: z
      .number()
      .nullable()
      .describe("Scores above it are contaminated; null: no gap was found, nobody's."),
    gap: z.number().describe("The widest ratio of neighbouring scores."),
    alike: z
      .strictObject({ names, cosines: z.array(z.array(z.number())) })
      .exactOptional()
      .describe(
        "How alike the compared adapters are, −1 … 1: a row for each. Only with rule evidence.",
      ),
    ranks: z.record(z.string(), z.int()).describe("Dimension of the shared space, by module."),
    uninformative: names.describe(
      "Modules whose space would hold any adapters: they cannot give a contaminated one away.",
    ),
    ignored: names.describe("Tensors that are no LoRA pairs, and took no part."),
    dora: names.describe("Adapters that use DoRA, of which only B·A took part."),
    begunInBase: names.describe("Adapters whose B·A began as a part of the base's weights."),
    ownStarts: names.describe("Adapters that began from an A₀ of their own."),
    startGroups: z
      .array(names)
      .describe("Groups of adapters that began from one A₀, the largest first."),
    identical: z.array(names).describe("Groups of adapters that are the same to the last number."),
    nearCopies: z
      .array(names)
      .describe("Groups of adapters that are nearly the same: the first of each is compared."),
    bases: names.describe("The bases that the configurations name, the most frequent first."),
    skipped: names.describe("Folders beside adapters that have no configuration of one."),
    checkpoints: names.describe("Earlier states of an adapter that was found, left out."),
    refined: z
      .strictObject({
        folder: z.string(),
        adapters: z.int().describe("How many were written."),
        unchanged: names.describe("Those among them that stay as they are: refining cannot gain."),
        breakEven: z
          .record(z.string(), z.number().min(0).max(1))
          .describe(
            "By name: which share of what was replaced must be error of its own for the refined adapter to be nearer to what it should have learnt.",
          ),
        discarded: z
          .number()
          .describe(
            "Share of the energy of the refined changes that adapters of their rank cannot hold, on average.",
          ),
      })
      .exactOptional()
      .describe("What --refine has written."),
  })
  .describe("What fedclair audit --json prints.");
