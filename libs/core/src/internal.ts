// The door for the rest of fedclair: no plug-in needs this, and any of it may change in any release.
export {
  checkPrepared,
  ClientRunner,
  prepareTask,
  type ClientJob,
  type OnBatchError,
  type OnClientError,
} from "./client/client-runner.js";
export { nextGroup } from "./client/cohort-groups.js";
export { MemoryPool } from "./client/memory-pool.js";
export { checkAggregation } from "./contracts/aggregation.js";
export { attackedCount, clientIds, clientIndex } from "./contracts/clients.js";
export { checkedPlugin } from "./contracts/define-plugin.js";
export { pluginOptions, type PluginChoice } from "./contracts/plugin-choice.js";
export {
  pluginIdentities,
  pluginMismatch,
  withModules,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "./contracts/plugin-identity.js";
export * from "./contracts/pool.js";
export { checkVerdicts } from "./contracts/verdict.js";
export { askForParams } from "./loop/initial.js";
export { jobFor } from "./loop/job.js";
export type { ClientRecord, RoundRecord, RoundTiming } from "./loop/record.js";
export type { RoundPlan } from "./loop/round-plan.js";
export { runRounds, type RoundDone, type TrialEvent } from "./loop/round.js";
export { startTrial, type TrialState } from "./loop/trial-state.js";
export { admitEvaluation, admitUpdate, checkNames, maxChange } from "./tensors/admission.js";
export { termBytes, resolveParams, type ClientParams } from "./tensors/client-params.js";
export { derive, derivationOf, type Derivation } from "./tensors/derivation.js";
export { unpack } from "./tensors/packed.js";
export {
  decodeHeader,
  decodeTensor,
  headerEnd,
  prefixBytes,
  safetensorsPieces,
  type Allocate,
  type SafetensorsHeader,
  type StoredTensor,
  type StoredType,
} from "./tensors/safetensors.js";
export { payloadBytes, storedTensor } from "./tensors/tensor.js";
export { copyUpdate, deltaBytes } from "./tensors/update.js";
export { contaminate, type Contaminated, type Contamination } from "./trial/contamination.js";
export { Devices, type Span } from "./trial/devices.js";
export { elsewhere, externalClients, unknownClients } from "./trial/external-clients.js";
export { modsOf, type TrialMod } from "./trial/mods.js";
export { trialNotices } from "./trial/remarks.js";
export type { Schedule } from "./trial/schedule.js";
export { Trace, type TraceRow } from "./trial/trace.js";
export {
  clientCount,
  namedPlugins,
  parseSentTrial,
  parseTrial,
  type NamedModule,
  type ResolvePath,
} from "./trial/trial-file.js";
export { choiceSchema, createPlugin, trialSchema, type Trial } from "./trial/trial.js";
export { parseChecked } from "./words/checked-yaml.js";
export {
  errorCodes,
  exitCodes,
  failure,
  errorMessage,
  type ErrorCode,
  type Failure,
} from "./words/errors.js";
export { didYouMean } from "./words/near.js";
export { bounds, isName, jsonBytes, oneLine, printable } from "./words/text.js";
