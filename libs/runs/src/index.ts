export { chooseTrialBackend, type ChosenBackend } from "./backend.js";
export type { ArmRecord } from "./arm-record.js";
export { clientNumber, isSpaced, scoreRatio, type ClientHistory } from "./client-history.js";
export { csvLine } from "./csv.js";
export { describeStored, type StoredDescription } from "./describe-stored.js";
export { describeTrial, noDescription, type TrialDescription } from "./description.js";
export {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  valuesOf,
} from "./evaluation.js";
export { countsOf, detectionInfos, roundDetection } from "./detection.js";
export { listRunFaults, stoppedText } from "./faults.js";
export {
  excludesZero,
  formatEstimate,
  formatSigned,
  meanInterval,
  pairedDifference,
  wilsonInterval,
  type Interval,
  type MeanEstimate,
} from "./intervals.js";
export { findLoss, totalLosses } from "./losses.js";
export { readMetric, ownProperty, type Measure, type MetricInfos } from "./measure.js";
export {
  byteUnits,
  formatBytes,
  formatNumber,
  formatShare,
  isWithin,
  maxOf,
  minOf,
  timeUnits,
  chooseUnit,
  type Unit,
  countNoun,
} from "./numbers.js";
export {
  byTruth,
  clientRows,
  displayName,
  findMistake,
  type ClientRow,
} from "./outcome/client-rows.js";
export { columns } from "./outcome/columns.js";
export {
  compareRuns,
  leafValues,
  listTrialDifferences,
  type ComparedMeasure,
  type RunComparison,
} from "./outcome/compare-runs.js";
export { compareArms, orderMetrics, type ArmRow } from "./outcome/arm-rows.js";
export { backendLabel, backendText } from "./outcome/backend-text.js";
export { farthestText } from "./outcome/farthest-text.js";
export { choiceText, modTexts } from "./outcome/mod-texts.js";
export { countOf, countText, outcomeText, verdictText } from "./outcome/outcome-text.js";
export { refinementText } from "./outcome/refinement-text.js";
export { listItems, verdictSentence } from "./outcome/verdict.js";
export { readActivity, type Activity } from "./store/activity.js";
export { recordsAfter, recordsEnd, timingsAfter, type Placed } from "./store/records-after.js";
export { syncFolder, syncTree, writeWhole } from "./store/durable.js";
export { breakLocks, findHolder, Lock, lockFile } from "./store/lock.js";
export { makeFolder, makeOwnFolder } from "./store/make-folder.js";
export { openRegularFile, readText, UnreadableError } from "./store/regular-file.js";
export { readRunTrial } from "./store/read-trial.js";
export { readState, writeState } from "./store/state-file.js";
export { readCertificates } from "./process/certificates.js";
export { atATime } from "./process/at-a-time.js";
export { whenAborted } from "./process/when-aborted.js";
export { parseAddress } from "./process/address.js";
export { commandName } from "./process/command-name.js";
export { readOptionFile } from "./process/option-file.js";
export { createLog, type Logger } from "./process/log.js";
export { clientEventLogger } from "./process/log-errors.js";
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
export { systemErrorCode } from "./process/system-error.js";
export { prepareSource, prepareTrial, type LoadPlugins } from "./process/prepare-trial.js";
export { isSweep, readTrialFile } from "./process/read-trial-file.js";
export { formatTime } from "./format-time.js";
export { Progress } from "./progress.js";
export { attestRun, countRoundsToRun, type AttestedRound } from "./attest-run.js";
export { forkRun, type Fork } from "./store/fork-run.js";
export { recordTrial, type TrialRun } from "./record-trial.js";
export type { CheckpointPolicy } from "./store/checkpoint.js";
export {
  chooseRunFolder,
  readRunInfo,
  readSummary,
  removeRun,
  findRun,
  listRuns,
  type StoredRun,
  type RunStatus,
} from "./store/stored-run.js";
export { checkRecords, eachRecord, linkTimings } from "./store/chain.js";
export { eachLine, readLines } from "./store/lines.js";
export type { ArmTiming } from "./arm-timing.js";
export { checkExistingRun, checkTrial } from "./store/run-folder.js";
export { readRun, armRecords, RunTally, mainRecords, type Run, type Timings } from "./run.js";
export { rejectExternalClients } from "./reject-external.js";
export { runTrial, sharesFirstRound, type ArmEvent } from "./run-trial.js";
export { summarise, type Summary } from "./summary.js";
export * from "./sweep/index.js";
export { isFlagged, measuringClients, clientTruth, truthText } from "./truth.js";
export { version } from "./version.js";
