import type { AggregatorPlugin, Registry } from "@fedclair/core";
import { bucketing } from "./aggregators/bucketing/index.js";
import { bulyanAggregator } from "./aggregators/bulyan/index.js";
import { cafAggregator } from "./aggregators/caf/index.js";
import { centeredClippingAggregator } from "./aggregators/centered-clipping/index.js";
import { coordinateMedianAggregator } from "./aggregators/coordinate-median/index.js";
import { dnc } from "./aggregators/dnc/index.js";
import { fedavg } from "./aggregators/fedavg/index.js";
import { fedit } from "./aggregators/fedit/index.js";
import { fedsaLora } from "./aggregators/fedsa-lora/index.js";
import { ffaLora } from "./aggregators/ffa-lora/index.js";
import { flora } from "./aggregators/flora/index.js";
import { fltrustAggregator } from "./aggregators/fltrust/index.js";
import { geometricMedianAggregator } from "./aggregators/geometric-median/index.js";
import { krumAggregator, multiKrumAggregator } from "./aggregators/krum/index.js";
import { local } from "./aggregators/local/index.js";
import { mdaAggregator } from "./aggregators/mda/index.js";
import { meamedAggregator } from "./aggregators/meamed/index.js";
import { monnaAggregator } from "./aggregators/monna/index.js";
import { nnm } from "./aggregators/nnm/index.js";
import { normClipAggregator } from "./aggregators/norm-clip/index.js";
import { trimmedMeanAggregator } from "./aggregators/trimmed-mean/index.js";

export * from "./aggregators/vectors.js";
export {
  innerProduct,
  product,
  sliceColumns,
  stackFactors,
  toFactors,
  toLowRank,
  type Factors,
} from "./aggregators/factors.js";
export { weightedSum } from "./aggregators/mean.js";
export { geometricMedianWeights } from "./aggregators/geometric-median/weights.js";
export { gramOf, squaredDistances } from "./aggregators/robust/gram.js";
export { createPointsFromGram } from "./aggregators/robust/points.js";
export { computeWeights, countWeights, weigh, weighting } from "./aggregators/weights.js";
export { fedavg, fedit, fedsaLora, ffaLora, flora };

const plugins: readonly AggregatorPlugin[] = [
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

/** Every aggregator of this package, by name: all that a trial file can name but CLAIR. */
export const aggregators: Registry<AggregatorPlugin> = new Map(plugins.map((p) => [p.name, p]));
