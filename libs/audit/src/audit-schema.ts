import { controlKinds } from "@fedclair/clair";
import { candidateKinds } from "@fedclair/core/internal";
import { z } from "zod";
import { findingCodes, type Finding } from "./findings/catalogue.js";

const names = z.array(z.string());

const evidence = z.strictObject({
  kind: z.string().describe("agreement, clique, size, shape, evenness, outside or moved."),
  statistic: z
    .number()
    .describe(
      "agreement: median cosine with the others; clique: mean cosine with the second and third nearest, minus the agreement and what chance adds; size: norm of the change; shape: effective number of directions; evenness: mean size of the entries of B over their root mean square; outside: tangent of the angle to the shared space; moved: |B| over |A − A₀|.",
    ),
  deviations: z
    .number()
    .min(0)
    .describe("How much it counts against the adapter, in deviations of the others."),
});

const origin = z.strictObject({
  folder: z.string().describe("Its folder: as it was given, or in the cache."),
  base: z.string().exactOptional().describe("The base model that the configuration names."),
  baseRevision: z.string().exactOptional().describe("The revision of the base that it names."),
  licence: z.string().exactOptional().describe("The licence that the hub or the README names."),
  modified: z
    .string()
    .exactOptional()
    .describe("When it was last changed: on the hub, or else the time of its configuration."),
  hub: z
    .strictObject({
      repo: z.string(),
      revision: z.string().describe("The revision that was asked for."),
      commit: z.string(),
      page: z.string().describe("The address of the adapter's folder in this commit."),
      isSibling: z.boolean().describe("True if --siblings has found it."),
    })
    .exactOptional()
    .describe("Where it was downloaded from."),
  files: z
    .array(z.strictObject({ file: z.string(), bytes: z.int(), sha256: z.string() }))
    .describe("The files that were read."),
});

const finding = z.strictObject({
  code: z.enum(findingCodes),
  level: z.enum(["error", "warning", "note"]),
  text: z.string(),
  advice: z.string().describe("What to do."),
  adapters: z
    .array(
      z.strictObject({
        name: z.string(),
        detail: z.string().exactOptional().describe("What was found there, such as files."),
      }),
    )
    .describe("The adapters that it is about; empty if it is about the pile."),
});

const adapter = z.strictObject({
  name: z
    .string()
    .describe(
      "The folder's own name, or if names repeat its path relative to the folder that holds all adapters.",
    ),
  status: z.enum(["benign", "contaminated", "undecided", "inactive", "invalid"]),
  score: z
    .number()
    .nullable()
    .describe(
      "With rule evidence: the length of the vector of all pieces' deviations. With other rules: tangent of the angle to the shared space. Null: not scored.",
    ),
  modules: z
    .array(z.strictObject({ module: z.string(), ratio: z.number().min(0) }))
    .describe(
      "How far each module lies outside its shared space, as a multiple of the benign adapters' median; largest first. Empty if no adapter is benign.",
    ),
  evidence: z
    .array(evidence)
    .exactOptional()
    .describe("The pieces of evidence behind the score, the strongest first, with rule evidence."),
  clearedOf: names
    .exactOptional()
    .describe("The kinds of attackers that would have been found here; only for a benign adapter."),
  reason: z
    .string()
    .exactOptional()
    .describe("Why the adapter is invalid or undecided, or which screen it failed."),
  origin: origin.exactOptional().describe("Where the adapter comes from."),
});

const reading = z.strictObject({
  base: z.string().describe("The folder of the base model."),
  adapters: z
    .array(
      z.strictObject({
        name: z.string(),
        tokens: z
          .array(z.strictObject({ text: z.string(), lift: z.number() }))
          .describe(
            "The tokens that it says more often, with the mean of their log-probability over neutral contexts, less the median of the other adapters; largest first.",
          ),
        goesOn: names.describe("What the model says after the first of these tokens, with them."),
        why: z.string().exactOptional().describe("Why it was not read."),
      }),
    )
    .describe("In the order of the command line."),
});

/** The schema of `fedclair audit --json`; `docs/audit.schema.json` is generated from it. */
export const auditSchema = z
  .strictObject({
    adapters: z.array(adapter).describe("In the order of the command line."),
    detection: z.boolean().describe("False if there are too few adapters to flag any."),
    threshold: z
      .number()
      .nullable()
      .describe("Adapters with a score above it are contaminated; null: no gap was found."),
    bank: z
      .string()
      .exactOptional()
      .describe("What the thresholds were calibrated on, with rule evidence."),
    calibratedFor: z
      .int()
      .exactOptional()
      .describe(
        "The largest number of adapters that the thresholds were made for; more adapters use the same ones. Only with rule evidence.",
      ),
    usualBelow: z
      .number()
      .exactOptional()
      .describe("Scores up to this one do not stand out. Only with rule evidence."),
    falseAlarmRate: z
      .number()
      .gt(0)
      .lt(1)
      .exactOptional()
      .describe(
        "The share of sets of honest adapters, of kinds that the bank has never seen, that have a score above the threshold. It is larger than rule.falseAlarmRate if the bank does not support that. Only with rule evidence.",
      ),
    controls: z
      .strictObject({
        power: z
          .record(z.enum(controlKinds), z.number().min(0).max(1))
          .describe("Share of planted attackers that stood out, by kind."),
        cleared: names.describe("The kinds that stood out at least eight times in ten."),
      })
      .exactOptional()
      .describe("What became of attackers that were planted to try the rule, with rule evidence."),
    gap: z.number().describe("The widest ratio of neighbouring scores."),
    identifiable: z
      .strictObject({
        certified: z
          .boolean()
          .describe(
            "True: if more than half of the adapters are benign, no clearly different space of the same dimensions explains more than half of them as well.",
          ),
        margin: z
          .number()
          .min(0)
          .describe(
            "How many times farther more than half of the adapters lie from the best other space than from this one; above 2.5 it is certified.",
          ),
        complete: z
          .boolean()
          .describe("Whether every smallest set of adapters that can show a space was tried."),
        groups: z
          .array(names)
          .exactOptional()
          .describe(
            "Two groups: the adapters that only this space explains, and those that only the best other one does; absent if it is certified.",
          ),
      })
      .exactOptional()
      .describe(
        "Whether the shared space is the only one. Absent if that was not measured: with too few adapters, more than 128, or a space that holds less than half of their changes.",
      ),
    alike: z
      .strictObject({ names, cosines: z.array(z.array(z.number())) })
      .exactOptional()
      .describe(
        "Cosine similarities of the compared adapters, −1 … 1, one row for each. Only with rule evidence.",
      ),
    ranks: z.record(z.string(), z.int()).describe("Dimension of the shared space, by module."),
    uninformative: names.describe(
      "Modules whose shared space would contain any adapter, so that no contaminated adapter can be detected in them.",
    ),
    ignored: names.describe("Tensors that are not LoRA pairs and were not compared."),
    dora: names.describe("Adapters that use DoRA. Only their B·A was compared."),
    begunInBase: names.describe("Adapters whose B·A did not start at zero (init_lora_weights)."),
    ownStarts: names.describe("Adapters that started from an A₀ of their own."),
    startGroups: z
      .array(names)
      .describe("Groups of adapters that started from the same A₀, the largest first."),
    identical: z.array(names).describe("Groups of adapters with identical numbers."),
    nearCopies: z
      .array(names)
      .describe("Groups of nearly identical adapters. Only the first of each group is compared."),
    otherForms: z
      .array(names)
      .describe("Groups of invalid adapters that could be compared with one another."),
    bases: names.describe("Base models in the configurations, the most frequent first."),
    skipped: names.describe(
      "Folders next to adapters that are hidden or have no configuration or no name in UTF-8.",
    ),
    findings: z
      .array(finding)
      .describe("What a reader should know besides the verdicts, as the text prints it."),
    checkpoints: names.describe("Earlier states of adapters that were found; skipped."),
    reading: reading
      .exactOptional()
      .describe("What each adapter says more often than the others, by --read. It is no verdict."),
    refined: z
      .strictObject({
        folder: z.string(),
        adapters: z.int().describe("Number of adapters that have refined versions in the folder."),
        versions: names.describe(
          "The subfolders with one version each, if nothing was measured; otherwise empty.",
        ),
        unchanged: names.describe(
          "The adapters that are written as they are because no refined version has a lower loss.",
        ),
        discarded: z
          .number()
          .describe(
            "Share of the energy of the refined changes that does not fit into the adapters' ranks, on average.",
          ),
        evaluation: z
          .strictObject({
            command: z.string(),
            adapters: z
              .array(
                z.strictObject({
                  name: z.string(),
                  losses: z
                    .record(z.enum(candidateKinds), z.number().nullable())
                    .describe("Losses by candidate; null if a loss is not finite."),
                  chosen: z
                    .enum(candidateKinds)
                    .describe("The candidate with the lowest loss, which was written."),
                }),
              )
              .describe("In the order of the command line."),
          })
          .exactOptional()
          .describe("What --evaluate measured."),
      })
      .exactOptional()
      .describe("The adapters that --refine has written."),
  })
  .describe("The output of fedclair audit --json.");

type ReadonlyDeep<T> = { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> };

/** What `--json` prints. */
export type AuditOutput = ReadonlyDeep<z.output<typeof auditSchema>>;

/** The result of an audit. */
export interface Audit extends Omit<AuditOutput, "findings"> {
  /** What the files of the adapters show. Other findings follow from the rest of the result. */
  readonly fileFindings?: readonly Finding[];
}

/** Where an adapter comes from. */
export type AdapterOrigin = NonNullable<AdapterFinding["origin"]>;

/** The result of an audit for one adapter. */
export type AdapterFinding = Audit["adapters"][number];

/** The result of CLAIR's comparison. */
export type AdapterComparison = Omit<
  Audit,
  "skipped" | "checkpoints" | "reading" | "refined" | "fileFindings"
>;

/** What adapters say more often than the others. */
export type Reading = NonNullable<Audit["reading"]>;

/** A summary of the refined adapters that were written. */
export type RefinedFolder = NonNullable<Audit["refined"]>;

/** The losses of one adapter's candidates. */
export type MeasuredAdapter = MeasuredLosses["adapters"][number];

/** The losses that `--evaluate` measured. */
export type MeasuredLosses = NonNullable<RefinedFolder["evaluation"]>;
