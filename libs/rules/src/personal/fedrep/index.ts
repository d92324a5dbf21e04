import { pickModules, type PersonalMethod, type Plugin } from "@fedclair/core";
import { z } from "zod";
import { headOption, SplitModel } from "../head.js";
import { changeBetween, ownSteps, walkOf } from "../walk.js";

const schema = z.strictObject({ ...headOption, ...ownSteps });

/**
 * FedRep (Collins et al., ICML 2021, arXiv 2102.07078): clients first train their heads with the
 * body fixed, then the body with the head fixed, and share the body only.
 */
export const fedrep: Plugin<PersonalMethod> = {
  name: "fedrep",
  summary: "As fedper, but a client trains its head first, and then the body.",
  schema,
  create: ({ head, ...options }: z.output<typeof schema>) => {
    const split = new SplitModel(head);
    return {
      sends: split.sends,
      start: split.start,
      async train({ shared, own, steps }) {
        const names = [...own.keys()];
        const before = split.model({ shared, own });
        const fitted = await steps(before, { ...walkOf(options), only: names });
        const after = await steps(fitted, { only: split.sends([...shared.keys()]) });
        return { change: changeBetween(before, after), own: pickModules(after, names) };
      },
      model: split.model,
    };
  },
};
