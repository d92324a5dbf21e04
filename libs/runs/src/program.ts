/*
 * The entry point `@fedclair/runs/program` with everything that a program needs to start. It is
 * separate so that `--help` does not load the whole package.
 */
export { commandName } from "./words/command-name.js";
export {
  integerOption,
  interruption,
  listenForInterruption,
  pluginOption,
  runProgram,
  setOption,
} from "./process/main.js";
export { readOptionFile } from "./process/option-file.js";
export { checkpointArgs, runOptions, type CheckpointOptions } from "./process/run-options.js";
export type { PlaceOptions } from "./store/stored-run.js";
export { print } from "./words/print.js";
export { version } from "./words/version.js";
