import { z } from "zod";
import { noOwnData } from "@fedclair/tasks/shared";

export const activation = z
  .enum(["erf", "relu", "sine"])
  .default("erf")
  .describe("σ of student and teacher: erf(z/√2), max(0, z), or sin(z)");

/** The options of the task in a trial file. */
export const schema = z
  .strictObject({
    source: noOwnData("The task copy-average simulates a teacher network and its noisy copies."),
    activation,
    k: z.int().min(2).max(64).default(6).describe("Neurons of the teacher, orthonormal"),
    n: z.int().min(1).default(3).describe("Neurons of a student, fewer than the teacher's"),
    d: z.int().min(2).max(256).default(12).describe("Inputs, at least k"),
    init: z
      .enum(["independent", "shared"])
      .default("independent")
      .describe("Start of the first round: from each client's own weights, or from common ones"),
    heterogeneity: z
      .number()
      .min(0)
      .max(2)
      .default(0.2)
      .describe(
        "h: a client's inputs have variances exp(h·z), z ~ N(0, 1); 0 gives all of them variance 1",
      ),
    weightNoise: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "Standard deviation of noise on the hidden weights that clients send, as a substitute for the error of finite data",
      ),
    teacherSeed: z
      .int()
      .min(0)
      .default(7)
      .describe("Seed of the teacher, which is the same in every trial"),
  })
  .superRefine(({ k, n, d }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (n >= k) reject("n", `expected fewer than k = ${k}, got ${n}: a student is smaller`);
    // Fewer inputs cannot hold k orthonormal weight vectors.
    if (d < k) reject("d", `expected at least k = ${k}, got ${d}`);
  });

export type Options = z.output<typeof schema>;
