/*
 * The functions behind the command, for programs. `docs/typescript.md` shows them.
 */
export { UserError, type Update } from "@fedclair/core";
export type { ErrorCode } from "@fedclair/core/internal";
export { aggregate, audit } from "@fedclair/audit";
export { InUse, type Summary, type Table } from "@fedclair/runs";
export { openRun, type OpenedRun } from "./api/open-run.js";
export { run, type RunEvent, type RunOptions, type RunResult } from "./api/run.js";
export { Running } from "./api/running.js";
export { sweep, type SweepEvent, type SweepOptions, type SweepResult } from "./api/sweep.js";
export type { SweepObject, TrialObject } from "./api/trial-input.js";
export { verify, type Verification, type VerifyOptions } from "./api/verify.js";
export type { ClientRow, RoundRow } from "./results/rows.js";
