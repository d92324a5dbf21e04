/*
 * A run in the form in which pages read it: `@fedclair/view/data`, for whoever sends it to them.
 */
export type { RunState, StreamedArmRound } from "./protocol.js";
export { RoundStream } from "./round-columns.js";
export { RoundsTally } from "./rounds-tally.js";
export type { RoundsData } from "./rounds.js";
export { RunSummary } from "./run-state.js";
