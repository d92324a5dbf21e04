export { attention, attentionGradient } from "./attention";
export { inUnits } from "./bytes";
export { affine, inputGradient, weightGradient } from "./linear";
export { multiply } from "./matmul";
export { normalize, normalizeGradient } from "./normalize";
export { adam, descend, relu, reluGradient } from "./steps";
