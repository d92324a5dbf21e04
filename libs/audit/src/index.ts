export {
  audit,
  auditAdapters,
  type AuditOptions,
  type EvaluateOptions,
  type RefineOptions,
} from "./audit.js";
export { auditSchema, type Audit, type AuditOutput } from "./audit-schema.js";
export { calibrate, type CalibrateOptions } from "./calibrate.js";
export { findAdapters, type AdapterFolder, type FoundAdapters } from "./adapters/find-adapters.js";
export { openAdapters } from "./adapters/open-adapters.js";
export { openAdapter, readPairs, writeAdapter } from "./adapters/peft.js";
export { rejectExisting } from "./adapters/reject-existing.js";
export { aggregate, type AggregateOptions, type AggregateResult } from "./aggregate/aggregate.js";
export { aggregateRound, type RoundOptions } from "./aggregate/aggregate-round.js";
export { formatRound, type RoundReport } from "./aggregate/round-report.js";
export { stepStateSchema, type StepState } from "./aggregate/run-step.js";
export { parseOptions } from "./compare/options.js";
export { readPile, selectUpdates, type Pile } from "./compare/pile.js";
export { formatPower } from "./power/power-text.js";
export { measurePower, type PowerOptions, type TrialPower } from "./power/measure-power.js";
export { writeAuditPage } from "./page/write-audit-page.js";
export { parseEvaluate, type EvaluateCommand } from "./refine/evaluate-command.js";
export { formatAudit, formatJson } from "./text/audit-text.js";
