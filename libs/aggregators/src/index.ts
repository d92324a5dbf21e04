import type { Aggregator, Plugin, Registry } from "@fedclair/core";
import { clairAggregator } from "./clair/index.js";
import { fedavg } from "./fedavg/index.js";
import { fedit } from "./fedit/index.js";
import { fedsaLora } from "./fedsa-lora/index.js";
import { ffaLora } from "./ffa-lora/index.js";
import { flora } from "./flora/index.js";
import { local } from "./local/index.js";

export * from "./clair/index.js";
export { coordinateMedian, mean, trimmedMean, type Vector } from "./robust/coordinates.js";
export { bulyan, krum, multiKrum, type Selection } from "./robust/krum.js";
export { centeredClip, fltrust, geometricMedian, normClip } from "./robust/norms.js";
export { squaredDistances, stackFactors, type Factors } from "./factors.js";

const plugins: readonly Plugin<Aggregator>[] = [
  clairAggregator,
  fedavg,
  fedit,
  fedsaLora,
  ffaLora,
  flora,
  local,
];

/** Every aggregator that a trial file can name. */
export const aggregators: Registry<Aggregator> = new Map(plugins.map((p) => [p.name, p]));
