import type { Attack, DataContamination, Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z.string().describe("A kind of contaminated data that the task supports"),
  options: z.record(z.string(), z.unknown()).default({}).describe("Options of that kind"),
});

/**
 * Contaminates data in a way that the task defines; the client then trains honestly on them.
 * Records show the kind.
 */
export const contaminatedData: Plugin<Attack> = {
  name: "contaminated-data",
  summary: "Contaminated data of a kind that the task supports.",
  schema,
  create: (data: DataContamination): Attack => ({ label: data.kind, data }),
};
