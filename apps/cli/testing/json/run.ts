import type { Measure, Summary } from "@fedclair/runs";
import { z } from "zod";

const measure = z.strictObject({
  name: z.string().describe("The name that `expect.measures` and `sweep.measures` use."),
  scope: z
    .enum([
      "clients",
      "global",
      "detection",
      "bytes",
      "lost",
      "time",
      "target",
      "refinement",
      "mods",
    ])
    .describe(
      "clients: measured by clients on their own data in the last round; global: by the coordinator; detection: verdicts compared with the truth; bytes: traffic; lost: answers that never arrived; time, target: simulated time; refinement: what clients chose; mods: the largest value that a mod reported.",
    ),
  metric: z.string(),
  arm: z.string().exactOptional().describe("Default: the main arm."),
  comparison: z
    .strictObject({ kind: z.enum(["gainOver", "ratioTo"]), arm: z.string() })
    .exactOptional()
    .describe("Present if the value is a difference from another arm, or a quotient."),
  attack: z.string().exactOptional().describe("Present if only clients under this attack count."),
  mod: z.string().exactOptional().describe("Present if a mod reported the number."),
  value: z.number(),
  n: z.number().exactOptional().describe("Number of clients, rounds or answers behind the value."),
  better: z.enum(["higher", "lower"]).exactOptional().describe("Absent if neither is better."),
  unit: z.string().exactOptional(),
}) satisfies z.ZodType<Measure>;

/** The schema of `summary.json` of a run, which `run --json` and `resume --json` print. */
export const summarySchema = z.strictObject({
  name: z.string().describe("The name of the trial."),
  seed: z.number(),
  arms: z.array(z.string()).describe("Arms that completed, the main arm first."),
  stopped: z
    .record(z.string(), z.string())
    .describe("The reason of each arm that could not continue."),
  personal: z
    .array(z.string())
    .exactOptional()
    .describe("Arms whose clients ended with params of their own."),
  hung: z
    .record(z.string(), z.string())
    .exactOptional()
    .describe("The first hang of each client whose code did not return."),
  failedAttacks: z
    .record(z.string(), z.string())
    .exactOptional()
    .describe("Attacks whose clients all failed in the main arm, with the first failure of each."),
  backend: z.string().exactOptional().describe("What the clients trained with."),
  otherReleases: z
    .array(z.string())
    .exactOptional()
    .describe("Releases of hosts other than that of the coordinator."),
  primary: z.string().exactOptional().describe("The metric that arms are compared by first."),
  chain: z.string().exactOptional().describe("The hash that binds the summary to the records."),
  truth: z
    .literal("unknown")
    .exactOptional()
    .describe("Present if the truth about some clients is unknown."),
  notices: z
    .array(z.string())
    .exactOptional()
    .describe("What you should know about the trial and its data, as printed when it starts."),
  guessing: z
    .record(z.string(), z.number())
    .exactOptional()
    .describe("What guessing reaches, by metric, such as the share of the most frequent class."),
  measures: z.record(z.string(), z.number()).describe("Finite numbers by name."),
  details: z.array(measure).describe("The same measures, each with its meaning."),
}) satisfies z.ZodType<Summary>;

/** The fields of a run's status, which `list --json` and `show --json` print. */
export const statusFields = {
  folder: z.string(),
  status: z.enum(["done", "running", "failed", "interrupted"]),
  name: z.string().describe("The name of the trial."),
  seed: z.number(),
  started: z.string().describe("Time in ISO 8601."),
  backend: z.string().describe("What the clients train with."),
  version: z.string().describe("The release of fedclair."),
  backendReason: z.string().exactOptional().describe("Why the backend was chosen."),
  rounds: z.number().exactOptional().describe("Completed rounds of all arms; absent if done."),
  failure: z.string().exactOptional().describe("Why the run failed."),
};

/** The primary measure of a run's main arm. */
export const primarySchema = measure;
