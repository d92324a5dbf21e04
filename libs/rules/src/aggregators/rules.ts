import { z } from "zod";
import { bulyanRule } from "./bulyan/index.js";
import { cafRule } from "./caf/index.js";
import { centeredClippingRule } from "./centered-clipping/index.js";
import { coordinateMedianRule } from "./coordinate-median/index.js";
import { dncRule } from "./dnc/index.js";
import { geometricMedianRule } from "./geometric-median/index.js";
import { krumRule, multiKrumRule } from "./krum/index.js";
import { mdaRule } from "./mda/index.js";
import { meamedRule } from "./meamed/index.js";
import { normClipRule } from "./norm-clip/index.js";
import { meanWeights } from "./robust/mixture.js";
import type { Rule } from "./robust/rule.js";
import { trimmedMeanRule } from "./trimmed-mean/index.js";

/** The rules that can follow a step which mixes the changes, with their default options. */
export const rules = {
  mean: async (points) => ({ change: await points.combine(meanWeights(points.count)) }),
  krum: krumRule,
  "multi-krum": multiKrumRule,
  "geometric-median": geometricMedianRule,
  "norm-clip": normClipRule,
  "centered-clipping": centeredClippingRule,
  mda: mdaRule,
  caf: cafRule,
  dnc: dncRule,
  "coordinate-median": coordinateMedianRule,
  "trimmed-mean": trimmedMeanRule,
  meamed: meamedRule,
  bulyan: bulyanRule,
} satisfies Readonly<Record<string, Rule>>;

export const ruleName = z.enum(Object.keys(rules) as (keyof typeof rules)[]);
