import type { PersonalMethod, Plugin } from "@fedclair/core";
import { z } from "zod";
import { changeBetween, ownSteps, walkOf } from "../walk.js";

const schema = z.strictObject(ownSteps);

/**
 * The shared params, and some steps of each client's own from there. Training is that of the task;
 * nothing is kept.
 */
export const fineTuned: Plugin<PersonalMethod> = {
  name: "fine-tuned",
  summary: "Each client takes some steps of its own from the shared params before it is measured.",
  schema,
  create: (options: z.output<typeof schema>) => ({
    train: async ({ shared, steps }) => ({ change: changeBetween(shared, await steps(shared)) }),
    model: ({ shared, steps }) => steps(shared, walkOf(options)),
  }),
};
