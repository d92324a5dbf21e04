export * from "./contracts.js";
export { errorCodes, exitCodes, UserError, type ErrorCode, type Failure } from "./errors.js";
export { shapeText, sizeOf, zeros, type Params, type Tensor } from "./tensor.js";
export {
  isLowRank,
  moduleShape,
  tensorsOf,
  type LowRank,
  type Metrics,
  type ModuleUpdate,
  type Modules,
  type Update,
} from "./update.js";
