import type { AggregatorPlugin, Registry } from "@fedclair/core";
import { bucketing } from "./bucketing/index.js";
import { bulyanAggregator } from "./bulyan/index.js";
import { cafAggregator } from "./caf/index.js";
import { centeredClippingAggregator } from "./centered-clipping/index.js";
import { clairAggregator } from "./clair/index.js";
import { coordinateMedianAggregator } from "./coordinate-median/index.js";
import { dnc } from "./dnc/index.js";
import { fedavg } from "./fedavg/index.js";
import { fedit } from "./fedit/index.js";
import { fedsaLora } from "./fedsa-lora/index.js";
import { ffaLora } from "./ffa-lora/index.js";
import { flora } from "./flora/index.js";
import { fltrustAggregator } from "./fltrust/index.js";
import { geometricMedianAggregator } from "./geometric-median/index.js";
import { krumAggregator } from "./krum/index.js";
import { local } from "./local/index.js";
import { mdaAggregator } from "./mda/index.js";
import { meamedAggregator } from "./meamed/index.js";
import { monnaAggregator } from "./monna/index.js";
import { multiKrumAggregator } from "./multi-krum/index.js";
import { nnm } from "./nnm/index.js";
import { normClipAggregator } from "./norm-clip/index.js";
import { trimmedMeanAggregator } from "./trimmed-mean/index.js";

export * from "./clair/index.js";
export * from "./robust/vectors.js";
export { toFactors, toLowRank, stackFactors, type Factors } from "./factors.js";

const plugins: readonly AggregatorPlugin[] = [
  clairAggregator,
  fedavg,
  fedit,
  fedsaLora,
  ffaLora,
  flora,
  local,
  coordinateMedianAggregator,
  trimmedMeanAggregator,
  krumAggregator,
  multiKrumAggregator,
  bulyanAggregator,
  meamedAggregator,
  mdaAggregator,
  cafAggregator,
  geometricMedianAggregator,
  normClipAggregator,
  centeredClippingAggregator,
  fltrustAggregator,
  monnaAggregator,
  nnm,
  bucketing,
  dnc,
];

/** Every aggregator that a trial file can name. */
export const aggregators: Registry<AggregatorPlugin> = new Map(plugins.map((p) => [p.name, p]));
