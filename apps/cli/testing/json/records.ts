import { candidateKinds, type ErrorCode } from "@fedclair/core/internal";
import type { ArmRecord, ArmTiming } from "@fedclair/runs";
import { z } from "zod";

const metrics = z.record(z.string(), z.number());

const failure = z.strictObject({
  code: (z.string() as z.ZodType<ErrorCode>).describe("An error code."),
  message: z.string(),
});

const client = z.strictObject({
  clientId: z.string(),
  attack: z
    .string()
    .nullable()
    .describe("The attack of a contaminated client, null for a benign one. Only the record knows."),
  truth: z
    .literal("unknown")
    .exactOptional()
    .describe("Present if nobody knows the truth, as for external clients; `attack` is then null."),
  failure: failure.nullable().describe("Why the update was not aggregated; null if it was."),
  seconds: z
    .number()
    .exactOptional()
    .describe("Simulated seconds until the answer, or until the client went away."),
  staleness: z
    .number()
    .exactOptional()
    .describe("Number of rounds that ended while the client trained."),
  numExamples: z.number().exactOptional().describe("Number of examples that it trained on."),
  train: metrics.exactOptional().describe("What the client reports of its training."),
  trainLeftOut: z
    .number()
    .exactOptional()
    .describe("Size of `train` in bytes, if it is too large for a record."),
  verdict: z.enum(["benign", "contaminated", "undecided", "inactive", "invalid"]).exactOptional(),
  pooled: z
    .boolean()
    .exactOptional()
    .describe("Does the client take part in what is shared? Absent in runs of version 0.1."),
  score: z
    .number()
    .nullable()
    .exactOptional()
    .describe("The larger, the more suspicious; null if it is infinite."),
  threshold: z
    .number()
    .nullable()
    .exactOptional()
    .describe("A client with a higher score is flagged; null if none can be."),
  reason: z.string().exactOptional().describe("One sentence that explains the verdict."),
  evidence: z
    .array(
      z.strictObject({
        kind: z.string().describe("Name of the piece, as `size`."),
        statistic: z.number().describe("What was measured; over rounds a mean of deviations."),
        deviations: z.number().describe("How much it counts against the client."),
        rounds: z
          .number()
          .exactOptional()
          .describe("Number of rounds it covers; absent if it is this round only."),
      }),
    )
    .exactOptional()
    .describe("The pieces behind the score, the strongest first."),
  modules: z
    .array(
      z.strictObject({
        module: z.string(),
        ratio: z
          .number()
          .describe("Distance from the shared space, as a multiple of the benign clients' median."),
      }),
    )
    .exactOptional()
    .describe(
      "The modules, at most three, in which a flagged or undecided client lies farthest outside.",
    ),
  refinement: z
    .enum(candidateKinds)
    .exactOptional()
    .describe("Which version the client chose to continue with, if it had a choice."),
  refinementFailure: failure.exactOptional().describe("Why it could not choose."),
  mods: z.record(z.string(), metrics).exactOptional().describe("What mods report, by their name."),
  evaluation: metrics.exactOptional().describe("The new params, measured on the client's data."),
  evaluationLeftOut: z
    .number()
    .exactOptional()
    .describe("Size of `evaluation` in bytes, if it is too large for a record."),
  evaluationFailure: failure.exactOptional().describe("Why it could not measure them."),
});

/** The schema of a line of `records.jsonl`. */
export const recordSchema = z.strictObject({
  arm: z.string().describe("The main arm has the name of its aggregator, a baseline its own."),
  round: z.number().describe("From 1."),
  phase: z.string().describe("The phase of the task, as `train`."),
  origin: z
    .strictObject({ clientId: z.string(), sha256: z.string() })
    .exactOptional()
    .describe("In the first round: the client whose params the trial began with, and their hash."),
  clock: z
    .number()
    .exactOptional()
    .describe("Simulated seconds at the end of the round; only with `devices`."),
  clients: z.array(client).describe("The cohort."),
  metrics: metrics.describe("What the aggregator and the coordinator's step report."),
  cleared: z
    .array(z.string())
    .exactOptional()
    .describe("The kinds of attackers that benign clients of this round are cleared of."),
  notice: z.string().exactOptional().describe("What the aggregator tells about these updates."),
  kept: z.string().exactOptional().describe("Why the round kept the old params."),
  stopped: z.string().exactOptional().describe("Why the arm ended in this round."),
  bytes: z
    .strictObject({
      down: z.number().describe("Sent to the clients."),
      up: z.number().describe("Received from them."),
    })
    .describe("Bytes of the tensors of training, without evaluation."),
}) satisfies z.ZodType<ArmRecord>;

/** The schema of a line of `timings.jsonl`. */
export const timingSchema = z.strictObject({
  arm: z.string(),
  round: z.number(),
  seconds: z
    .strictObject({
      sample: z.number().describe("Drawing the cohort; a part of `train`."),
      train: z.number(),
      aggregate: z.number(),
      evaluate: z.number(),
    })
    .describe("Seconds by phase."),
  writeSeconds: z
    .number()
    .describe("Seconds that writing took since the line before, with the checkpoint."),
  chain: z.string().describe("The hash of this record, its artifacts and the hash before."),
  coordinatorRss: z.number().describe("Peak memory of the coordinator so far, in bytes."),
  wire: z
    .strictObject({
      bytesSent: z.number(),
      bytesReceived: z.number(),
      encodeSeconds: z.number().describe("Writing messages, at the coordinator."),
      decodeSeconds: z.number().describe("Reading messages, at the coordinator."),
      workSeconds: z.number().describe("Jobs, at the hosts."),
      hostMemory: z
        .number()
        .exactOptional()
        .describe("Largest peak memory of a Python host's clients, in bytes."),
      deviceMemory: z.number().exactOptional().describe("The same of its tensors on GPUs."),
    })
    .exactOptional()
    .describe("Over sockets: totals since the start."),
}) satisfies z.ZodType<ArmTiming>;
