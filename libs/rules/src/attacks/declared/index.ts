import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z
    .string()
    .min(1)
    .max(128)
    .default("declared")
    .describe("The problem, as records and tables show it"),
});

/**
 * Marks external clients that the trial's author knows to be contaminated. The attack itself does
 * nothing.
 */
export const declared: Plugin<Attack> = {
  name: "declared",
  summary: "Declares external clients to be contaminated; does nothing.",
  schema,
  create: ({ kind }: z.output<typeof schema>): Attack => ({ label: kind, labelOnly: true }),
};
