// The API for the other packages of fedclair. Plug-ins do not need it, and every part of it may
// change in any release.
export {
  ClientRunner,
  type ClientJob,
  type JobRunner,
  type ReportedJob,
  type RunnerEvents,
} from "./client/client-runner.js";
export { HungClientPool, type Hangs } from "./client/hung-clients.js";
export { WrappedPool } from "./client/wrapped-pool.js";
export { nextGroup } from "./client/cohort-groups.js";
export { MemoryPool } from "./client/memory-pool.js";
export { checkAggregation } from "./contracts/aggregation.js";
export { clientIdAt, clientIds, clientIndex, countAttacked } from "./contracts/clients.js";
export { checkPlugin } from "./contracts/define-plugin.js";
export { pluginOptions, type PluginChoice } from "./contracts/plugin-choice.js";
export {
  pluginIdentities,
  pluginMismatch,
  withModules,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "./contracts/plugin-identity.js";
export { hostStatusSchema, type HostStatus } from "./contracts/host-status.js";
export * from "./contracts/pool.js";
export {
  blends,
  candidateKinds,
  candidateMeanings,
  makeCandidate,
  refinementKinds,
  scaleTerms,
  type CandidateKind,
  type CandidateParts,
  type RefinementKind,
} from "./contracts/refinements.js";
export { checkVerdicts } from "./contracts/verdict.js";
export { ArmFault } from "./loop/arm-fault.js";
export type { Attacked } from "./loop/attack-cohort.js";
export type { Collected } from "./loop/collect.js";
export { needsFinish } from "./loop/finish-external.js";
export { windowSize } from "./loop/gather-streamed.js";
export { askForParams } from "./loop/ask-for-params.js";
export { surveyClients } from "./loop/survey-clients.js";
export { jobFor, renewJob } from "./loop/job.js";
export type { ClientRecord, RoundRecord, RoundTiming } from "./loop/record.js";
export { planRounds, type RoundPlan } from "./loop/round-plan.js";
export { runRounds, type RoundDone, type TrialEvent } from "./loop/round.js";
export type { Stepped } from "./loop/run-step.js";
export { serverCode, type ServerCode, type WatchedServer } from "./loop/server-plugins.js";
export { keepBases, startTrial, type TrialState } from "./loop/trial-state.js";
export { admitUpdate, checkNames, freeRank, maxChange } from "./tensors/admission.js";
export {
  keepInMemory,
  resolveParams,
  resolveTo,
  termBytes,
  type ClientParams,
  type Keep,
  type KeeperFor,
} from "./tensors/client-params.js";
export { checkPacked } from "./tensors/packed.js";
export type { Allocate } from "./tensors/unpack.js";
export {
  decodeHeader,
  decodeTensor,
  headerEnd,
  prefixBytes,
  safetensorsPieces,
  viewSafetensors,
  type StoredTensor,
  type StoredType,
} from "./tensors/safetensors.js";
export {
  createStored,
  isStored,
  loadTensor,
  payloadBytes,
  loadParams,
  type StoredParams,
} from "./tensors/tensor.js";
export { copyUpdate, deltaBytes, mapTensors } from "./tensors/update.js";
export { listExternalContaminations } from "./trial/contamination.js";
export { listArms, type Arm } from "./trial/arms.js";
export { cohortSize } from "./trial/cohort.js";
export { explainExternalHosts, listExternalClients } from "./trial/external-clients.js";
export {
  identifyPython,
  locatePython,
  readNamedPython,
  readPythonClients,
  withPythonCode,
  type PythonClients,
} from "./trial/python-clients.js";
export { explainDoubtfulClients } from "./trial/doubtful-clients.js";
export type { OptionChange } from "./trial/option-changes.js";
export type { PreparedTrial } from "./trial/prepared-trial.js";
export { prepareResolvedTrial } from "./trial/prepare-trial.js";
export { dataPathKeys, listTextsAt } from "./trial/data-paths.js";
export { Trace } from "./trial/trace.js";
export {
  clientCount,
  locateTask,
  readNamedPlugins,
  parseTrial,
  prepareSentTrial,
  readTrialSource,
  resolveTrial,
  type ResolvePath,
  type TrialSource,
} from "./trial/trial-file.js";
export { listSeeds, seedsSchema } from "./trial/seeds.js";
export { choiceSchema, clientTotal, createPlugin, trialSchema, type Trial } from "./trial/trial.js";
export { parseYaml } from "./words/yaml.js";
export {
  errorCodes,
  exitCodes,
  notLost,
  failure,
  errorMessage,
  type ErrorCode,
  type Failure,
} from "./words/errors.js";
export { checkValue } from "./words/issues.js";
export { didYouMean } from "./words/did-you-mean.js";
export { afterRunning, withDeadline } from "./words/running-time.js";
export { bounds, isName, jsonBytes, oneLine, printable } from "./words/text.js";
