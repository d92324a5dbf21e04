export { Matrix, stream, type Stream } from "@fedclair/linalg";
export {
  admitEvaluation,
  admitUpdate,
  checkNames,
  largestChange,
  shapesOf,
  type Shapes,
  type TensorSpec,
} from "./admission.js";
export { nextGroup } from "./cohort-groups.js";
export { yieldToEventLoop } from "./yield-to-event-loop.js";
export { addedBytes, resolveParams, type ClientParams } from "./client-params.js";
export { parseChecked } from "./checked-yaml.js";
export {
  checkPrepared,
  ClientRunner,
  prepared,
  type ClientJob,
  type OnGroupFault,
  type OnThrown,
} from "./client-runner.js";
export { attackedCount, clientIds, indexOfClient } from "./clients.js";
export { contaminate, type Contaminated, type Contamination } from "./contamination.js";
export * from "./contracts.js";
export { askForParams } from "./initial.js";
export { jobFor } from "./job.js";
export { dashes, strokeLegend } from "./curves.js";
export { checkedPlugin, definePlugin, type DefinedPlugin } from "./define-plugin.js";
export {
  errorCodes,
  exitCodes,
  failure,
  messageOf,
  UserError,
  type ErrorCode,
  type Failure,
} from "./errors.js";
export type { Artifact, FigureInput, TaskFigure, TaskFigures } from "./figure.js";
export { denseOf, matrixOf, tensorOf, valuesOf } from "./matrix.js";
export { addTerms, Products } from "./merge.js";
export { derive, derivationOf, type Derivation } from "./derivation.js";
export { MemoryPool } from "./memory-pool.js";
export { modsOf, type TrialMod } from "./mods.js";
export { didYouMean } from "./near.js";
export { Devices, type Span } from "./schedule/devices.js";
export { Trace, type TraceRow } from "./schedule/trace.js";
export type { Schedule } from "./schedule/schedule.js";
export type { ClientRecord, RoundRecord, RoundTiming } from "./record.js";
export type { RoundPlan } from "./round-plan.js";
export { runRounds, type RoundDone, type TrialEvent } from "./round.js";
export * from "./safetensors.js";
export {
  dtypeOf,
  largestSize,
  payloadBytes,
  shapeText,
  sizeOf,
  zeros,
  type DType,
  type Packed,
  type Params,
  type Tensor,
  storedTensor,
} from "./tensor.js";
export { bounds, excerpt, isName, jsonBytes, oneLine, printable } from "./text.js";
export {
  clientCount,
  namedPlugins,
  parseSentTrial,
  parseTrial,
  type NamedModule,
  type ResolvePath,
} from "./trial-file.js";
export { startTrial, type TrialState } from "./trial-state.js";
export { optionsOf, type PluginChoice } from "./plugin-choice.js";
export {
  identitiesOf,
  pluginMismatch,
  withModules,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "./plugin-identity.js";
export { toBfloat16, toInt8, unpacked } from "./packed.js";
export { remarksOn } from "./remarks.js";
export { elsewhere, externalClients, unknownClients } from "./external-clients.js";
export { choiceOf, createPlugin, trialSchema, type Trial } from "./trial.js";
export {
  copyUpdate,
  deltaBytes,
  loaded,
  isLowRank,
  deltaShape,
  scaled,
  scaledModule,
  tensorsOf,
  type LowRank,
  type Metrics,
  type TensorDelta,
  type Delta,
  type Update,
} from "./update.js";
export { checkAggregation } from "./aggregation.js";
export { checkVerdicts, invalid, isPooled } from "./verdict.js";
