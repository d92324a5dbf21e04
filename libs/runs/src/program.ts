/*
 * The entry point `@fedclair/runs/program` with everything that a program needs to start. It is
 * separate so that `--help` does not load the whole package.
 */
export { commandName } from "./process/command-name.js";
export {
  integerOption,
  interruption,
  listenForInterruption,
  pluginOption,
  runProgram,
  setOption,
} from "./process/main.js";
export { readOptionFile } from "./process/option-file.js";
export {
  checkpointArgs,
  runOptions,
  type CheckpointOptions,
  type PlaceOptions,
} from "./process/run-options.js";
export { print } from "./process/print.js";
export { version } from "./version.js";
