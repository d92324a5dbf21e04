/* What the studies of this repository need beside the method: its steps, one by one. */
export { readRowSpaces } from "./measures/row-space.js";
export { withSecretSeed } from "./options.js";
export { toAggregation } from "./refine.js";
export { computeStarts } from "./space/search.js";
export { computeSines } from "./space/view-measures.js";
export { compressChange, innerOfChanges, toChange } from "./updates/change.js";
export { isCompared } from "./updates/sanitise.js";
