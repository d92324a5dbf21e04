/*
 * What a program needs to begin: `@fedclair/runs/program`. Apart from the rest, so that `--help` need not load it.
 */
export {
  integerOption,
  interruption,
  listenForInterruption,
  pluginOption,
  runProgram,
  setOption,
} from "./process/main.js";
export {
  checkpointArgs,
  runOptions,
  type CheckpointOptions,
  type PlaceOptions,
} from "./process/run-options.js";
export { print } from "./process/print.js";
export { version } from "./version.js";
