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
