import { controlKinds } from "@fedclair/clair";
import { z } from "zod";
import { auditSchema, offeredKinds, type TrialPower } from "@fedclair/audit";
import { describedKinds } from "../../src/extend/described-kinds.js";
import { primarySchema, statusFields, summarySchema } from "./run.js";
import { sweepFields } from "./sweep.js";

const names = z.array(z.string());

const sweepOutput = z.strictObject({
  out: z.string().describe("The folder with all runs."),
  ...sweepFields,
  failed: names.describe("Trials that failed, with the reason."),
  incomplete: names.describe("Trials that lost clients or arms."),
});

const claim = { file: z.string(), claim: z.string() };

const list = z.strictObject({
  trials: z.array(z.strictObject({ ...claim, task: z.string(), clients: z.number() })),
  sweeps: z.array(
    z.strictObject({
      ...claim,
      sweep: z.string(),
      trials: z
        .number()
        .exactOptional()
        .describe("Absent if plug-ins that you have not run decide it."),
    }),
  ),
  faulty: z
    .array(z.strictObject({ file: z.string(), fault: z.string() }))
    .describe("Files that cannot be read."),
  runs: z.array(
    z.strictObject({
      ...statusFields,
      primary: primarySchema
        .exactOptional()
        .describe("The main arm's value of the primary metric."),
      summary: summarySchema.exactOptional().describe("Present if the run is done."),
    }),
  ),
  studies: z.array(
    z.strictObject({
      folder: z.string(),
      name: z.string(),
      trials: z.number(),
      finished: z.number(),
    }),
  ),
});

const show = z.union([
  z.strictObject({ ...statusFields, summary: summarySchema }).describe("A run."),
  z
    .strictObject({
      folder: z.string(),
      ...sweepFields,
      runs: z.array(
        z.strictObject({
          folder: z.string(),
          status: z.enum(["done", "running", "failed", "interrupted", "waiting"]),
        }),
      ),
    })
    .describe("A study or a sweep."),
]);

const compare = z.strictObject({
  ...sweepFields,
  trialDifferences: z
    .array(z.strictObject({ path: z.string(), values: z.array(z.string().nullable()) }))
    .describe("Keys in which the trial files differ, with the value of each study or run as JSON."),
});

const share = z
  .strictObject({ share: z.number(), low: z.number(), high: z.number() })
  .describe("A share of rounds with Wilson's 95 % interval.");

const power = z.strictObject({
  trial: z.string(),
  seeds: z.array(z.number()),
  rounds: z.number().describe("Judged rounds over all seeds."),
  clients: z.number().describe("Judged clients of the first round."),
  leftOut: z
    .array(z.string())
    .describe(
      "The clients that the trial declares contaminated. They took no part, with the first seed.",
    ),
  unknown: z.number().describe("Clients whose truth is unknown. They count as honest."),
  kinds: z
    .record(z.enum(controlKinds), z.strictObject({ flagged: share, notBenign: share }))
    .describe("Shares for each kind of planted attackers."),
  falseAlarms: share,
}) satisfies z.ZodType<TrialPower>;

const verify = z.strictObject({
  rounds: z.number().describe("Rounds of the run, over all arms."),
  compared: z.array(z.number()).describe("The rounds that were compared."),
  run: z.number().describe("Number of rounds that had to be run."),
  seed: z.number().describe("Seed of the draw."),
  differing: z
    .array(
      z.strictObject({
        place: z.string().describe("File and line of the record."),
        arm: z.string(),
        round: z.number(),
        keys: names.describe("Fields that differ."),
        missing: names.describe("Those of them that the stored record lacks."),
      }),
    )
    .describe("Rounds whose bytes differ."),
});

const aggregate = z.strictObject({
  round: z.number(),
  aggregator: z.looseObject({ name: z.string() }).describe("The aggregator with its options."),
  cleared: names
    .exactOptional()
    .describe("Kinds of attackers that benign clients are cleared of; absent if none was planted."),
  metrics: z.record(z.string(), z.number()).describe("What the aggregator reports."),
  personal: names.describe("Clients with an adapter of their own."),
  hasGlobal: z.boolean().describe("Whether there is an adapter for everyone."),
  discarded: z.number().describe("Share of the energy that does not fit into the ranks."),
  evaluation: z
    .strictObject({
      command: z.string(),
      clients: z.array(
        z.strictObject({
          name: z.string(),
          losses: z
            .record(z.enum(offeredKinds), z.number().nullable())
            .describe("Losses by version; null if a loss is not finite."),
          chosen: z
            .enum(offeredKinds)
            .describe("The version with the lowest loss, which was written."),
        }),
      ),
    })
    .exactOptional()
    .describe("What --evaluate measured."),
  clients: z
    .array(
      z.strictObject({
        name: z.string(),
        status: z
          .enum(["benign", "contaminated", "undecided", "inactive", "invalid"])
          .nullable()
          .describe("Null if the aggregator returns no verdicts."),
        score: z.number().nullable(),
        threshold: z.number().nullable(),
        pooled: z
          .boolean()
          .exactOptional()
          .describe("Whether it is part of the shared result; absent without a verdict."),
        reason: z.string().exactOptional(),
        evidence: z
          .array(
            z.strictObject({
              kind: z.string(),
              statistic: z.number(),
              deviations: z.number().describe("How much it counts against the client."),
              rounds: z.number().exactOptional().describe("Rounds that the statistic covers."),
            }),
          )
          .exactOptional(),
        modules: z
          .array(z.strictObject({ module: z.string(), ratio: z.number() }))
          .exactOptional()
          .describe(
            "The modules, at most three, in which a flagged or undecided client lies farthest outside.",
          ),
      }),
    )
    .describe("Sorted by name."),
  ignored: names.describe("Tensors that are not LoRA pairs."),
  warnings: names.describe("The warnings that the text prints, from clair."),
});

const plugin = z.strictObject({
  name: z.string(),
  summary: z.string(),
  tasks: names.exactOptional().describe("The only tasks that an aggregator is for."),
  options: z
    .record(z.string(), z.looseObject({}))
    .describe("The JSON Schema of each option, by its name."),
});

const plugins = z.union([
  z.record(z.enum(describedKinds), z.array(plugin)).describe("All kinds."),
  z.array(plugin).describe("One kind, if it is given."),
]);

/**
 * The schema of what `--json` prints, by command. docs/reference/json.md and
 * docs/output.schema.json are generated from it.
 */
export const jsonOutputs = {
  run: z.union([
    summarySchema.describe("A run."),
    sweepOutput.describe("A study: a trial with several seeds."),
  ]),
  resume: z.union([summarySchema.describe("A run."), sweepOutput.describe("A study or a sweep.")]),
  coordinator: summarySchema,
  sweep: sweepOutput,
  list,
  show,
  compare,
  power,
  verify,
  audit: auditSchema,
  aggregate,
  plugins,
} as const satisfies Readonly<Record<string, z.ZodType>>;
