import { z } from "zod";

export const activation = z
  .enum(["erf", "relu"])
  .default("erf")
  .describe("σ of student and teacher: erf(z/√2), or max(0, z)");

/** Options of the task, as a trial file writes them. */
export const schema = z
  .strictObject({
    activation,
    k: z.int().min(2).max(64).default(6).describe("Neurons of the teacher, orthonormal"),
    n: z.int().min(1).default(3).describe("Neurons of a student, fewer than the teacher's"),
    d: z.int().min(2).max(256).default(12).describe("Inputs, at least k"),
    init: z
      .enum(["independent", "shared"])
      .default("independent")
      .describe("Do the clients start the first round from weights of their own, or all alike?"),
    heterogeneity: z
      .number()
      .min(0)
      .max(2)
      .default(0.2)
      .describe("h: a client's inputs have variances exp(h·z), z ~ N(0, 1); 0: all have 1"),
    weightNoise: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "Standard deviation of noise on the hidden weights that clients send: stands in for the error of finite data",
      ),
    teacherSeed: z.int().min(0).default(7).describe("Draws the teacher, the same in every trial"),
  })
  .superRefine(({ k, n, d }, context) => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (n >= k) refuse("n", `expected fewer than k = ${k}, got ${n}: a student is smaller`);
    // Fewer inputs hold no k orthonormal weight vectors.
    if (d < k) refuse("d", `expected at least k = ${k}, got ${d}`);
  });

export type Options = z.output<typeof schema>;
