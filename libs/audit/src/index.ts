export { audit, auditAdapters, type AuditOptions } from "./audit.js";
export { auditSchema, type Audit, type AuditOutput } from "./audit-schema.js";
export { collectAdapters, type CollectOptions } from "./collect-adapters.js";
export { calibrate, type CalibrateOptions } from "./calibrate.js";
export { findAdapters, type AdapterFolder, type FoundAdapters } from "./adapters/find-adapters.js";
export { openAdapters } from "./adapters/open-adapters.js";
export { openAdapter, readChanges, writeAdapter } from "./adapters/peft.js";
export { rejectExisting } from "./adapters/reject-existing.js";
export { aggregate, type AggregateOptions, type AggregateResult } from "./aggregate/aggregate.js";
export { aggregateRound, type RoundOptions } from "./aggregate/aggregate-round.js";
export { offeredKinds } from "./aggregate/hand-out-measured.js";
export { formatRoundReport, type RoundReport } from "./aggregate/round-report.js";
export { stepStateSchema, type StepState } from "./aggregate/run-step.js";
export { parseClairOptions } from "./compare/options.js";
export { readPile, selectUpdates, type Pile } from "./compare/pile.js";
export { formatPower } from "./power/power-text.js";
export { measurePower, type PowerOptions, type TrialPower } from "./power/measure-power.js";
export {
  failConditions,
  isKnown,
  listFailures,
  readBaseline,
  type FailCondition,
} from "./gate/gate.js";
export { formatSarif } from "./gate/sarif.js";
export { formatSummary } from "./gate/summary.js";
export { drawAuditPage, writeAuditPage } from "./page/audit-report.js";
export { parseEvaluate, type EvaluateCommand } from "./refine/evaluate-command.js";
export { formatAudit, formatJson } from "./text/audit-text.js";
export { formatTooFew } from "./text/verdict.js";
