import { combineParams, type PersonalMethod, type Plugin } from "@fedclair/core";
import { z } from "zod";
import { ownSteps, walkOf } from "../walk.js";

const schema = z
  .strictObject({
    lambda: z
      .number()
      .gt(0)
      .default(15)
      .describe("Pull of a client's own params towards its copy of the shared ones."),
    eta: z
      .number()
      .gt(0)
      .default(0.005)
      .describe(
        "Rate at which that copy follows the client's own params; eta·lambda is at most 1.",
      ),
    beta: z
      .number()
      .gt(0)
      .default(1)
      .describe("Share of the mean copy in the new shared params; those before have the rest."),
    ...ownSteps,
    steps: z
      .int()
      .min(1)
      .default(5)
      .describe("Steps for the client's own params before its copy moves once."),
  })
  .superRefine(({ eta, lambda }, context) => {
    if (eta * lambda <= 1) return;
    const message = `expected at most 1/lambda = ${1 / lambda}, got ${eta}`;
    context.addIssue({ code: "custom", path: ["eta"], message });
  });

/**
 * pFedMe (Dinh et al., NeurIPS 2020, arXiv 2006.08848). As often as the task takes steps, a client
 * finds its own params θ ≈ argmin F(θ) + λ/2·|θ - w_k|² by a few steps from w_k, and its copy of
 * the shared params follows: w_k ← w_k - ηλ(w_k - θ). It sends β(w_k - w), and is measured at θ.
 */
export const pfedme: Plugin<PersonalMethod> = {
  name: "pfedme",
  summary: "Each client's own params stay near its copy of the shared ones, which follows them.",
  schema,
  create: ({ lambda, eta, beta, ...options }: z.output<typeof schema>) => ({
    start: (shared) => shared,
    async train({ shared, own, count, steps }) {
      let copy = shared;
      let theta = own;
      for (let i = 0; i < count; i++) {
        const towards = { params: copy, weight: lambda };
        theta = await steps(copy, { ...walkOf(options), towards });
        copy = combineParams([1 - eta * lambda, copy], [eta * lambda, theta]);
      }
      return { change: combineParams([beta, copy], [-beta, shared]), own: theta };
    },
    model: ({ own }) => own,
  }),
};
