import { pickModules, type PersonalMethod, type Plugin } from "@fedclair/core";
import { z } from "zod";
import { headOption, SplitModel } from "../head.js";
import { changeBetween } from "../walk.js";

const schema = z.strictObject(headOption);

/**
 * FedPer (Arivazhagan et al. 2019, arXiv 1912.00818): clients train body and head together, and
 * share the body only.
 */
export const fedper: Plugin<PersonalMethod> = {
  name: "fedper",
  summary: "Clients share the body of the model, and each keeps a head of its own.",
  schema,
  create: ({ head }: z.output<typeof schema>) => {
    const split = new SplitModel(head);
    return {
      sends: split.sends,
      start: split.start,
      async train({ shared, own, steps }) {
        const before = split.model({ shared, own });
        const after = await steps(before);
        return { change: changeBetween(before, after), own: pickModules(after, [...own.keys()]) };
      },
      model: split.model,
    };
  },
};
