/*
 * The parts of the live page and the report that show a run: `@fedclair/view/browser`. They need
 * only its data, whatever sends them.
 */
export { Curves } from "./client/curves.js";
export { Rounds } from "./client/rounds.js";
export { RunData, type MeasuredRound } from "./data/run-data.js";
export type { ShownRun } from "./live/connection.js";
export { Card, curvesOf, Progress } from "./live/overview.js";
export { StatusMark } from "./live/status-parts.js";
export { curveDashes } from "./parts/theme.js";
