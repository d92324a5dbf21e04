export { backendOf, loadForOutside, type ChosenBackend } from "./backend.js";
export { armsOf, type Arm, type ArmRecord } from "./arms.js";
export { describeTrial, measuresOf, undescribed, type TrialDescription } from "./description.js";
export { evaluationsOf, inCommon, meanOf, metricsIn, valuesOf } from "./evaluation.js";
export { detectionInfos, detectionOf } from "./detection.js";
export { faultsOf } from "./faults.js";
export { lossOf } from "./losses.js";
export { metricOf, ownValue, type Measure, type MetricInfos } from "./measure.js";
export {
  byteUnits,
  formatBytes,
  formatNumber,
  isWithin,
  largest,
  least,
  mean,
  timeUnits,
  unitOf,
  type Unit,
  counted,
} from "./numbers.js";
export {
  byTruth,
  clientRows,
  displayName,
  mistakeOf,
  type ClientRow,
} from "./outcome/client-rows.js";
export { columns } from "./outcome/columns.js";
export {
  compareRuns,
  leaves,
  type ComparedMeasure,
  type RunComparison,
} from "./outcome/compare-runs.js";
export { compareMethods, telling, type MethodRow } from "./outcome/method-rows.js";
export { backendText } from "./outcome/backend-text.js";
export { choiceText, modTexts } from "./outcome/mod-texts.js";
export { countOf, countText, outcomeText, verdictText } from "./outcome/outcome-text.js";
export { verdictSentence } from "./outcome/verdict.js";
export { syncFolder, syncTree, writeWhole } from "./store/durable.js";
export { freeFrom, Lock, lockFile } from "./store/lock.js";
export { makeFolder } from "./store/make-folder.js";
export { readState, writeState } from "./store/state-file.js";
export { readCertificates } from "./process/certificates.js";
export { createLog, type Logger } from "./process/log.js";
export { logGroupFault, logThrown } from "./process/thrown.js";
export {
  exitCodeOf,
  integerOption,
  interruption,
  listenForInterruption,
  pluginOption,
  readToken,
  runProgram,
  setOption,
  toUserError,
} from "./process/main.js";
export { print } from "./process/print.js";
export type { CheckpointOptions, PlaceOptions } from "./process/run-options.js";
export { codeOf } from "./process/system-error.js";
export { readTrialFile } from "./process/trial-file.js";
export { Progress } from "./progress.js";
export { recordTrial, type TrialRun } from "./record-trial.js";
export type { CheckpointPolicy } from "./store/checkpoint.js";
export {
  folderOf,
  readSummary,
  removeRun,
  runIn,
  runsUnder,
  type HeldRun,
  type RunStatus,
} from "./store/held-run.js";
export { eachLine, readLines } from "./store/lines.js";
export { checkHeld, checkTrial, type ArmTiming } from "./store/run-folder.js";
export { readRun, recordsOf, RunTally, studied, type Run, type Timings } from "./run.js";
export { refuseElsewhere } from "./refuse-elsewhere.js";
export { runTrial, type ArmEvent } from "./run-trial.js";
export { summarise, type Summary } from "./summary.js";
export * from "./sweep/index.js";
export { isFlagged, measuringClients, truthOf, truthText } from "./truth.js";
export { version } from "./version.js";
export { pathsOf } from "./paths.js";
