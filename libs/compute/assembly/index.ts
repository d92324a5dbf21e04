export { allocate, release } from "./memory";
export { inUnits } from "./bytes";
export { affine, inputGradient, weightGradient } from "./linear";
export { adam, descend, relu } from "./steps";
