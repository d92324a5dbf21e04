/*
 * Runs a trial and shows its outcome: `@fedclair/view/run`. The code of reports is loaded only when
 * one is written.
 */
export { runAndReport } from "./report/run-and-report.js";
export { showIfDone } from "./report/show-run.js";
