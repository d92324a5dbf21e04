export { chooseTrialBackend } from "./run/backend.js";
export type { ArmRecord } from "./measures/arm-record.js";
export {
  clientNumber,
  isSpaced,
  scoreRatio,
  type ClientHistory,
} from "./measures/client-history.js";
export { csvLine } from "./words/csv.js";
export { describeStored, type StoredDescription } from "./trial/describe-stored.js";
export { describeTrial, noDescription, type TrialDescription } from "./measures/description.js";
export {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  valuesOf,
} from "./measures/evaluation.js";
export { countsOf, detectionInfos, roundDetection } from "./measures/detection.js";
export { listRunFaults, stoppedText } from "./measures/exit-faults.js";
export {
  formatEstimate,
  formatSigned,
  meanInterval,
  pairedDifference,
  wilsonInterval,
  type Interval,
} from "./measures/intervals.js";
export { findLoss, totalLosses } from "./measures/losses.js";
export { readMetric, ownProperty, type Measure, type MetricInfos } from "./measures/measure.js";
export {
  byteUnits,
  formatBytes,
  formatNumber,
  formatShare,
  isInRange,
  maxOf,
  minOf,
  timeUnits,
  chooseUnit,
  type Unit,
  countNoun,
} from "./words/numbers.js";
export {
  byTruth,
  clientRows,
  displayName,
  findMistake,
  type ClientRow,
} from "./outcome/client-rows.js";
export { leafValues } from "./words/leaf-values.js";
export { columns, reasonTable } from "./words/columns.js";
export { linkFile, openTerminal, wrapMessage, type Terminal } from "./words/terminal.js";
export {
  compareArms,
  comparePrimary,
  guessingRow,
  orderMetrics,
  type ArmRow,
} from "./outcome/arm-rows.js";
export { backendLabel, backendText } from "./outcome/backend-text.js";
export { farthestText } from "./outcome/farthest-text.js";
export { choiceText, modTexts } from "./outcome/mod-texts.js";
export { cardText, countOf, countText, outcomeText, verdictText } from "./outcome/outcome-text.js";
export { refinementText } from "./outcome/refinement-text.js";
export { listItems, verdictSentence } from "./outcome/verdict.js";
export {
  compareMeans,
  createCard,
  summaryCard,
  verdictCard,
  type CardPart,
  type Tone,
  type VerdictCard,
} from "./outcome/verdict-card.js";
export { readActivity, type Activity } from "./store/activity.js";
export { recordsAfter, recordsEnd, timingsAfter } from "./store/records-after.js";
export { syncFolder, syncTree, writeWhole } from "./store/atomic-files.js";
export { breakForeignLock, findHolder, InUse, Lock, lockFile } from "./store/lock.js";
export { makeFolder, makeOwnFolder } from "./store/make-folder.js";
export {
  openRegularFile,
  readAnywhere,
  readOnlyInside,
  readText,
  UnreadableError,
} from "./store/regular-file.js";
export { readRunTrial } from "./store/read-trial.js";
export { trialHash } from "./store/trial-hash.js";
export {
  identifyPythonCode,
  identifyData,
  rememberCode,
  selectUnknownCode,
  type OutsideCode,
} from "./store/known-code.js";
export { checkData } from "./store/data-hash.js";
export { hashContent } from "./store/hash-content.js";
export { readState, writeState } from "./store/state-file.js";
export { readCertificates } from "./process/certificates.js";
export { atATime } from "./process/at-a-time.js";
export { unlessAborted, whenAborted } from "./process/when-aborted.js";
export { parseAddress } from "./process/address.js";
export { commandName } from "./words/command-name.js";
export { readOptionFile } from "./process/option-file.js";
export { createLog, type Logger } from "./process/log.js";
export { clientEventLogger } from "./process/log-errors.js";
export {
  exitCodeOf,
  interruption,
  listenForInterruption,
  readToken,
  toUserError,
} from "./process/main.js";
export { print } from "./words/print.js";
export type { CheckpointOptions } from "./process/run-options.js";
export { systemErrorCode } from "./words/system-error.js";
export { addPythonCode, hashClients } from "./trial/python-code.js";
export { prepareSource, prepareTrial } from "./trial/prepare-trial.js";
export { isSweep, readTrial, readTrialFile } from "./trial/read-trial-file.js";
export { formatTime } from "./words/format-time.js";
export { requireRunFile, SendAgain, SendLater, type Receiver } from "./carry/carried.js";
export { RunSender } from "./carry/run-sender.js";
export { Progress } from "./run/progress.js";
export { checkSummary } from "./run/check-summary.js";
export { verifyRounds, countRoundsToRun, type VerifiedRound } from "./run/verify-rounds.js";
export { forkRun, replayFolder } from "./store/fork-run.js";
export { recordTrial, type TrialRun } from "./run/record-trial.js";
export {
  chooseRunFolder,
  readRunInfo,
  readSummary,
  removeRun,
  findRun,
  inspectRun,
  listRuns,
  type BrokenRun,
  type PlaceOptions,
  type RunInfo,
  type StoredRun,
  type RunStatus,
} from "./store/stored-run.js";
export { checkRecords, eachRecord, linkTimings } from "./store/record-chain.js";
export { eachLine } from "./store/lines.js";
export type { ArmTiming } from "./store/arm-timing.js";
export { encodeRound } from "./store/encode-round.js";
export { findDone, type RunRequest } from "./run/find-done.js";
export { readRun, armRecords, RunTally, mainRecords, type Run } from "./run/read-run.js";
export { rejectExternalClients } from "./run/reject-external.js";
export { followRound, type RoundProgress } from "./run/round-progress.js";
export { runTrial, sharesFirstRound, type ArmEvent } from "./run/run-trial.js";
export { summarise, type Summary } from "./measures/summary.js";
export * from "./sweep/index.js";
export { isFlagged, measuringClients, clientTruth, truthText } from "./measures/truth.js";
export { version } from "./words/version.js";
