import { combineParams, type Params } from "@fedclair/core";
import { z } from "zod";

/** The options of steps that a client takes for itself. */
export const ownSteps = {
  steps: z
    .int()
    .min(1)
    .optional()
    .describe("Steps per round for the client's own params. Default: as many as the task takes."),
  rate: z
    .number()
    .gt(0)
    .optional()
    .describe("Learning rate of these steps. Default: that of the task."),
};

/** Returns the options of a walk with the ones that are set. */
export function walkOf({
  steps,
  rate,
}: {
  readonly steps?: number | undefined;
  readonly rate?: number | undefined;
}): { readonly count?: number; readonly rate?: number } {
  return { ...(steps !== undefined && { count: steps }), ...(rate !== undefined && { rate }) };
}

/** Returns `after - before`. */
export function changeBetween(before: Params, after: Params): Params {
  return combineParams([1, after], [-1, before]);
}
