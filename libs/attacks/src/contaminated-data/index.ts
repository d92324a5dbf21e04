import type { Attack, DataContamination, Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z.string().describe("One of the kinds of contaminated data that the task knows"),
  options: z.record(z.string(), z.unknown()).default({}).describe("Options of that kind"),
});

/** Data that are wrong in a way that only the task can say: the client then trains honestly on them. Records show the kind. */
export const contaminatedData: Plugin<Attack> = {
  name: "contaminated-data",
  summary: "Data contaminated in one of the ways that the task knows.",
  schema,
  create: (data: DataContamination): Attack => ({ label: data.kind, data }),
};
