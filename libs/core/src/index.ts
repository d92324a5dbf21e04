// The public API for plug-in authors. internal.ts exports what only fedclair itself needs.
export { Matrix, stream, type Stream } from "@fedclair/linalg";
export * from "./contracts/aggregator.js";
export * from "./contracts/attack.js";
export * from "./contracts/mod.js";
export * from "./contracts/personal.js";
export { takeSteps } from "./contracts/take-steps.js";
export * from "./contracts/plugin.js";
export * from "./contracts/task.js";
export { dashes, methodColours, mutedColour, strokeLegend } from "./contracts/figure-colours.js";
export {
  definePlugin,
  type ChoiceOf,
  type DefinedPlugin,
  type NamedPlugin,
} from "./contracts/define-plugin.js";
export type {
  Artifact,
  ClientsInFigure,
  FigureInput,
  TaskFigure,
  TaskFigures,
} from "./contracts/figure.js";
export { binaryVerdict, invalidVerdict } from "./contracts/verdict.js";
export { shapesOf, type Shapes, type TensorSpec } from "./tensors/admission.js";
export { toDense, toMatrix, toTensor, toFloat64 } from "./tensors/matrix.js";
export { combineParams, dotParams, pickModules } from "./tensors/combine.js";
export { DenseSum } from "./tensors/dense-sum.js";
export { addTerms, Products } from "./tensors/merge.js";
export { toBfloat16, toInt8 } from "./tensors/packed.js";
export { decodeSafetensors, encodeSafetensors } from "./tensors/safetensors.js";
export {
  copyDense,
  countNumbers,
  dtypeOf,
  maxAbs,
  readNumbers,
  shapeText,
  sizeOf,
  zeros,
  type Dense,
  type DType,
  type FilePlace,
  type Numbers,
  type Packed,
  type Params,
  type Stored,
  type Tensor,
} from "./tensors/tensor.js";
export {
  deltaShape,
  isLowRank,
  loadChange,
  scaleDelta,
  scaleModule,
  tensorsOf,
  type Delta,
  type DenseDelta,
  type LowRank,
  type Metrics,
  type TensorDelta,
  type Update,
} from "./tensors/update.js";
export { UserError } from "./words/errors.js";
export { excerpt } from "./words/text.js";
export { turnOfEventLoop, yieldToEventLoop } from "./words/yield-to-event-loop.js";
