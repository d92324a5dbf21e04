import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z
    .string()
    .min(1)
    .max(128)
    .default("declared")
    .describe("What is wrong with them, as records and tables show it"),
});

/** Clients that are not simulated, of which the trial's author knows that they are contaminated: nothing is done to them. */
export const declared: Plugin<Attack> = {
  name: "declared",
  summary: "Says of clients that are not simulated that they are contaminated; does nothing.",
  schema,
  create: ({ kind }: z.output<typeof schema>): Attack => ({ label: kind, labelOnly: true }),
};
