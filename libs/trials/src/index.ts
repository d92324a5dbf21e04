export { armsOf, type Arm } from "./arms.js";
export { readLines, RunFolder, type ArmRecord, type ArmTiming } from "./run-folder.js";
export { runTrial, type ArmRound } from "./run-trial.js";
export { detectionOf, evaluationMeans, isFlagged, summarise, type Summary } from "./summary.js";
